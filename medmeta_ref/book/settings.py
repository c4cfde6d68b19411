"""What Sphinx is told: which extensions, which theme, and that nothing comes from elsewhere.

The theme is pydata-sphinx-theme: its own tests run axe on it, its code listings and tables can be
scrolled by keyboard, and its fonts and scripts are part of it.
"""

from pathlib import Path
from typing import Any

STATIC = Path(__file__).parent / "static"


def settings(*, version: str, pictures: Path) -> dict[str, Any]:
    """Return the settings of the book.

    Args:
        version: of the course, shown in the footer.
        pictures: a folder whose content becomes `_static/`, beside the book's own style sheet.
    """
    return {
        "project": "medmeta",
        "author": "The medmeta authors",
        "copyright": "The medmeta authors. Text CC BY 4.0, code MIT",
        "version": version,
        "release": version,
        "language": "en",
        "extensions": [
            "myst_nb",
            "sphinx.ext.autodoc",
            "sphinx.ext.napoleon",
            "medmeta_ref.book.docstrings",
            "medmeta_ref.book.mathml",
            "medmeta_ref.book.page_language",
        ],
        "root_doc": "index",
        "smartquotes": False,  # quotation marks stay as the course's texts have them
        # Notebooks were run before, or not at all; no kernel starts here.
        "nb_execution_mode": "off",
        "nb_output_stderr": "remove",
        "nb_render_markdown_format": "myst",
        "nb_merge_streams": True,
        # By default this asks a host for the scripts that sliders need. The book has no sliders.
        "nb_ipywidgets_js": {},
        "myst_enable_extensions": ["dollarmath", "amsmath", "colon_fence"],
        "myst_heading_anchors": 3,
        "html_math_renderer": "mathml",
        "napoleon_use_ivar": True,
        "autodoc_member_order": "bysource",
        "autodoc_preserve_defaults": True,
        "autodoc_typehints": "signature",
        "python_maximum_signature_line_length": 88,
        # Single backticks in docstrings are code, as everywhere in the course.
        "default_role": "literal",
        "html_theme": "pydata_sphinx_theme",
        "html_title": "medmeta",
        "html_static_path": [str(STATIC), str(pictures)],
        "html_css_files": ["book.css"],
        "html_favicon": str(STATIC / "favicon.svg"),
        "html_copy_source": False,
        "html_show_sourcelink": False,
        "html_context": {"default_mode": "auto"},  # light or dark, as the reader's system
        "html_theme_options": {
            "logo": {"text": "medmeta"},
            "navbar_align": "left",
            "navigation_with_keys": False,
            "show_prev_next": True,
            "show_version_warning_banner": False,
            "pygments_light_style": "a11y-high-contrast-light",
            "pygments_dark_style": "a11y-high-contrast-dark",
            "footer_start": ["copyright"],
            "footer_end": [],
            "header_links_before_dropdown": 6,
        },
    }
