"""Attacks on whoever reads the result: in a browser, in a terminal, in a spreadsheet.

Every payload would set the page's title to "owned" or ask a server for something.
"""

from tests.hostile import code, file

SOFT = "def soft_targets(logits, *, temperature):\n"
SCRIPT = "<script>document.title='owned'</script>"
IMAGE = "<img src='http://127.0.0.1:PORT/seen' onerror=\\\"document.title='owned'\\\">"
FRAME = "<iframe srcdoc='<script>parent.document.title=1</script>'></iframe>"
FORMULA = r"$$\href{javascript:document.title='owned'}{x}$$ \(\style{x}{y}\)"
TEMPLATE = "{{ 7*7 }}{% raw %}<svg/onload=document.title='owned'>"
BREAK_OUT = "</pre></div></td></table></style></title></textarea>-->]]>" + SCRIPT

code(
    "html_message",
    "Its error message is a script.",
    soft_targets=SOFT + f'    raise ValueError("{SCRIPT}{IMAGE}")',
)
code(
    "html_break_out",
    "Its error message ends every element that it could stand in.",
    soft_targets=SOFT + f'    raise ValueError("{BREAK_OUT}")',
)
code(
    "html_type",
    "The name of its exception, and of what it returns, is markup.",
    soft_targets="Bad = type(\"<script>document.title='owned'</script>\", (Exception,), {})\n"
    + SOFT
    + "    raise Bad",
    label_weight="def label_weight(labels):\n"
    "    return type(\"<svg onload=document.title='owned'>\", (), {})()",
)
code(
    "html_line",
    "The line of its code that is quoted is a script.",
    soft_targets=SOFT + f'    raise ValueError  # "{SCRIPT}{IMAGE}',
)
code(
    "html_note",
    "Its warnings, and what it writes to stderr, are frames and templates.",
    spoils="-soft_targets",
    soft_targets="import sys, warnings\n"
    + SOFT
    + f'    warnings.warn("{FRAME}")\n    print("{TEMPLATE}", file=sys.stderr)\n'
    + f'    print("{SCRIPT}")\n    return torch.softmax(logits / temperature, dim=1)',
)
code(
    "html_value",
    "A text and a dict it returns, which messages quote, are markup.",
    bug_lines=f'def bug_lines():\n    return {{"moving teacher": "{SCRIPT}", 1: "{IMAGE}"}}',
    soft_targets=SOFT + f'    return "{SCRIPT}"',
)
code(
    "math_message",
    "Its messages are formulas, from which the page's own script would make links.",
    soft_targets=SOFT + f'    raise ValueError(r"{FORMULA}")',
)
code(
    "terminal_message",
    "Its messages clear the screen, set the title of the terminal and overwrite lines.",
    spoils="-label_weight",
    soft_targets=SOFT + "    raise ValueError('\\x1b[2J\\x1b]0;owned\\x07\\r\\x9b31m all right')",
    label_weight="import warnings\ndef label_weight(labels):\n"
    "    warnings.warn('\\x1b[1A\\x1b[2K 5 of 5 points \\x9b')\n"
    "    return 1 - labels.double().mean()",
)
code(
    "spreadsheet_message",
    "Its messages are formulas of a spreadsheet.",
    soft_targets=SOFT + "    raise ValueError('=cmd|calc!A0')",
)
code(
    "html_code",
    "Its code is markup in a comment, a docstring and a name.",
    spoils="-soft_targets",
    soft_targets=SOFT
    + f"    '''{BREAK_OUT}'''\n    # {SCRIPT}\n"
    + "    return torch.softmax(logits / temperature, dim=1)",
)


def _outputs(notebook):
    html = SCRIPT + IMAGE.replace("\\", "")
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            data = {"text/html": html, "image/svg+xml": f"<svg>{SCRIPT}</svg>", "text/plain": html,
                    "application/javascript": "document.title='owned'",
                    "text/markdown": html, "text/latex": html}  # fmt: skip
            cell["outputs"] = [
                {"output_type": "display_data", "metadata": {}, "data": data},
                {"output_type": "stream", "name": "stdout", "text": html},
                {"output_type": "error", "ename": html, "evalue": html, "traceback": [html]},
            ]


def _markdown(notebook):
    text = "\n\n".join(
        (SCRIPT, IMAGE.replace("\\", ""), "[x](javascript:document.title='owned')",
         "[x](files/javascript:document.title='owned')", "```mermaid\ngraph TD; a-->b\n```",
         "<details open ontoggle=document.title='owned'>x</details>", BREAK_OUT)
    )  # fmt: skip
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = text
    raw = {"raw_mimetype": "text/html", "format": "text/html"}
    notebook["cells"] += [
        {"cell_type": "markdown", "id": "x", "metadata": {}, "source": text},
        {"cell_type": "raw", "id": "y", "metadata": raw, "source": text},
    ]


def _metadata(notebook):
    notebook["metadata"] |= {
        "title": SCRIPT, "authors": [{"name": SCRIPT}], "widgets": {"x": {"state": SCRIPT}},
        "language_info": {"name": SCRIPT, "pygments_lexer": "../x", "mimetype": SCRIPT},
    }  # fmt: skip
    for i, cell in enumerate(notebook["cells"]):
        cell["metadata"]["collapsed"] = SCRIPT
        cell["id"] = f"{i}'><script>"


file("xss_output", "Its outputs are scripts, of every kind.", earns="all", alter=_outputs)
file("xss_markdown", "Its markdown cells are scripts.", earns="all", alter=_markdown)
file("xss_metadata", "Its metadata and cell ids are scripts.", earns="all", alter=_metadata)
