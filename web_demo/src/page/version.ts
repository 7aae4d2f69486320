/** The page's name and version, as exports tell it. */
export const APP = "edgekit.web 0.1.0";
