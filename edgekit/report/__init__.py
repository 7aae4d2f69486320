"""One page of HTML, without a network, about models: what they cost, what they get right, and how they were made.

It reads records and computes nothing but where things stand on the page.
"""
