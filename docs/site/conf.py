"""How Sphinx makes a site of the pages. Its source is the repository, so that links are those of a code host."""

from pipeline import __version__

project = "nsp"
release = __version__
root_doc = "docs/site/index"
include_patterns = ["docs/site/index.md", "docs/*.md", "*.md"]
exclude_patterns = ["README.md", ".*", "build", "data", "deploy", "notebooks", "pipeline", "queries", "tests"]

extensions = ["myst_parser"]
myst_heading_anchors = 4
suppress_warnings = ["misc.highlighting_failure"]  # Pygments knows no Bicep, and of HCL no dynamic blocks
nitpicky = True
smartquotes = False  # they make a dash of the beginning of an option

html_theme = "furo"
html_title = "nsp"
html_copy_source = False
html_show_search_summary = False  # it would fetch pages, which a browser forbids those on a disk
html_show_copyright = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_extra_path = ["root"]  # leads from the top to docs/site/index.html
