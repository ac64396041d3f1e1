"""From runs to draws of a surface, and the file that keeps them."""
