"""The receiver's OpenAPI as a page that loads nothing: no script, no font, nothing from elsewhere."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from fastapi import FastAPI
from jinja2 import Environment
from starlette.responses import HTMLResponse

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c1f23; }
h2 { margin-top: 2.5rem; border-top: 1px solid #d5d9de; padding-top: 1rem; }
code, pre { font: 13px/1.45 ui-monospace, monospace; background: #f3f5f7; border-radius: 4px; }
code { padding: .1rem .3rem; } pre { padding: .6rem .8rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; }
.method { font-weight: 600; text-transform: uppercase; margin-right: .5rem; }
"""
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{{ info.title }}</title><style>{{ style | safe }}</style></head>
<body>
<h1>{{ info.title }}</h1>
{% for paragraph in (info.description or "").split("\\n\\n") %}<p>{{ paragraph }}</p>
{% endfor %}<p>The same for programs: <a href="openapi.json">openapi.json</a></p>
{% for path, methods in paths.items() %}{% for method, operation in methods.items() %}
<h2><span class="method">{{ method }}</span><code>{{ path }}</code></h2>
<p>{{ operation.summary }}</p>
{% if operation.parameters %}<h3>Parameters</h3>
<table>{% for each in operation.parameters %}<tr><td><code>{{ each.name }}</code></td><td>{{ each["in"] }}</td>
<td>{{ each.description or "" }}</td></tr>
{% endfor %}</table>{% endif %}
{% if operation.requestBody %}<h3>Body</h3>
{% for type, content in operation.requestBody.content.items() %}<p>{{ type }}</p>
<pre>{{ content.schema | pretty }}</pre>
{% endfor %}{% endif %}
<h3>Answers</h3>
<table>{% for status, answer in operation.responses.items() %}<tr><td><code>{{ status }}</code></td>
<td>{{ answer.description }}</td></tr>
{% endfor %}</table>
{% endfor %}{% endfor %}
{% if schemas %}<h2>Schemas</h2>
{% for name, schema in schemas.items() %}<h3><code>{{ name }}</code></h3>
<pre>{{ schema | pretty }}</pre>
{% endfor %}{% endif %}
</body>
</html>
"""


def _pretty(schema: Any) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False)


_ENVIRONMENT = Environment(autoescape=True)
_ENVIRONMENT.filters["pretty"] = _pretty
_TEMPLATE = _ENVIRONMENT.from_string(_PAGE)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""A browser would load nothing, even if something on the page asked for it."""


def show_documents(app: FastAPI) -> None:
    """Adds the page at /docs.

    Args:
        app: made without FastAPI's own page, which loads scripts from elsewhere.
    """

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        document = app.openapi()
        schemas = document.get("components", {}).get("schemas", {})
        html = _TEMPLATE.render(info=document["info"], paths=document["paths"], schemas=schemas, style=_STYLE)
        return HTMLResponse(html, headers=dict(HEADERS))
