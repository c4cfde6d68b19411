"""Feedback pages as `nbgrader generate_feedback` makes them, many from one loaded template.

nbgrader loads and compiles its template for every page, and reads each page again to look for
images without a text, of which a rebuilt notebook has none. Most cells are the same for everybody,
so what they become on a page is kept.
"""

import functools
from collections.abc import Callable
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.exporters import HTMLExporter
from nbconvert.exporters.templateexporter import TemplateExporter
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.filters.widgetsdatatypefilter import WidgetsDataTypeFilter
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_notebook
from nbgrader.converters import GenerateFeedback
from traitlets.config import Config

from medmeta_ref.grading.gradebook_rows import Standing

_KEPT = 1024


class FeedbackPages:
    """Makes the pages of one unit.

    Args:
        api: an `NbGraderAPI`.
        unit: for instance "03_distillation".
    """

    def __init__(self, api: Any, unit: str) -> None:
        self._unit, self._lexer = unit, "ipython3"
        converter = GenerateFeedback(coursedir=api.coursedir, parent=api)
        # As the API does it: formgrader uses the same exporter with another template.
        converter.update_config(Config({"HTMLExporter": {"template_name": "feedback"}}))
        self._exporter = HTMLExporter(parent=converter, config=converter.config)
        self._register_filters()
        # What exporter and preprocessor have to say is the same for every page.
        self._exporter.register_preprocessor(CSSHTMLHeaderPreprocessor)
        told = {"nbgrader": {"score": 0, "max_score": 0, "late_penalty": 0}}
        _, self._resources = TemplateExporter.from_notebook_node(
            self._exporter,
            new_notebook(),
            {"unique_key": unit, "output_files_dir": f"{unit}_files", **told},
        )

    def render(self, notebook: NotebookNode, standing: Standing, student: str) -> str:
        """Return the page of a student.

        Args:
            notebook: the graded notebook, as nbformat reads it; its metadata get the scores.
            standing: what the gradebook says about it.
            student: whose.
        """
        language = notebook.metadata.get("language_info", {})
        self._lexer = language.get("pygments_lexer", language.get("name"))
        _put_in_grades(notebook, standing)
        told = {
            **{"student": student, "assignment": self._unit, "notebook": self._unit},
            "score": standing.score - standing.penalty,
            "max_score": standing.max_score,
            "late_penalty": standing.penalty,
        }
        # HTMLExporter's own way would copy the notebook twice, and read the page again; see above.
        page = self._exporter.template.render(
            nb=notebook, resources=self._resources | {"nbgrader": told}
        )
        return str(page).lstrip("\r\n")

    def _register_filters(self) -> None:
        """Give the exporter the filters that `HTMLExporter.from_notebook_node` does, kept."""
        exporter = self._exporter

        @functools.cache
        def highlighter(lexer: str | None) -> Highlight2HTML:
            return Highlight2HTML(pygments_lexer=lexer, parent=exporter)

        @functools.lru_cache(_KEPT)
        def highlighted(source: str, lexer: str | None) -> str:
            return str(highlighter(lexer)(source))

        def highlight_code(source: str, language: str | None = None, metadata: Any = None) -> str:
            return highlighted(source, self._lexer)

        render: Callable[[Any, str], str] = exporter.markdown2html
        kept: dict[str, str] = {}

        @pass_context
        def markdown2html(context: Context, source: str) -> str:
            if source not in kept:
                if len(kept) >= _KEPT:
                    kept.clear()
                kept[source] = render(context, source)
            return kept[source]

        exporter.register_filter("highlight_code", highlight_code)
        exporter.register_filter("markdown2html", markdown2html)
        exporter.register_filter(
            "filter_data_type",
            WidgetsDataTypeFilter(notebook_metadata={}, parent=exporter, resources={}),
        )


def _put_in_grades(shown: NotebookNode, standing: Standing) -> None:
    """Do what nbgrader's GetGrades does, with what is known already."""
    for cell in shown.cells:
        fields = cell.metadata.get("nbgrader", {})
        name = fields.get("grade_id")
        if fields.get("solution") or fields.get("task"):
            fields["comment"] = standing.comments[name]
        if fields.get("grade") or fields.get("task"):
            fields["score"], fields["points"] = standing.scores[name]
