"""The browser's capture page with a model inside: written as a folder that any web server can publish."""
