"""What the API takes and gives, as an OpenAPI document and as a page for people.

Written by hand from the dataclasses that requests and answers are: FastAPI would bring pydantic, with models of its own
beside them, and a page that fetches its scripts from elsewhere.
"""

from __future__ import annotations

import dataclasses
import html
import json
import re
from collections.abc import Iterator, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import edgekit
from edgekit.bounds import Within
from edgekit.scoring.predictions import Prediction
from edgekit.serve.answers import CropAnswer, Explanation
from edgekit.serve.asked import Asked, ExplainAsked
from edgekit.serve.options import ServeConfig

_SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean"}
_ATTRIBUTE = re.compile(r"^ {8}(\w+): (.*(?:\n {12}.*)*)", re.MULTILINE)
_BOXES = (
    "With `boxes=true`: the `box` of each crop (left, top, right, bottom, in pixels of the upright photo), its most "
    "probable `label`, and the `score` of that."
)
_PROBLEMS = {
    "400": "The body is no whole form, has no photo, or more than this server takes.",
    "401": "The token is missing or another one.",
    "403": "The page that asks is another site's.",
    "408": "The upload took too long.",
    "413": "The body has more bytes than this server takes.",
    "415": "The body is neither a form nor a photo.",
    "421": "The server answers to this machine's own names alone.",
    "422": "No photo could be read, or the query breaks a rule: `detail` says which.",
    "503": "All workers are at work, or the time was too short: send it again after `Retry-After` seconds.",
}
# What may be wrong wherever photos are sent to.
_OF_PHOTOS = ("400", "403", "408", "413", "415", "422", "503")


def schema_of(kind: Any) -> dict[str, Any]:
    """JSON Schema of a type that records are made of; a dataclass' attributes are described by its docstring."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind in _SIMPLE:
        return {"type": _SIMPLE[kind]}
    if origin is Annotated:
        ends = next(one for one in inner if isinstance(one, Within))
        return schema_of(inner[0]) | {"minimum": ends.low} | ({} if ends.high is None else {"maximum": ends.high})
    if origin in (Union, UnionType):
        (one,) = (one for one in inner if one is not NoneType)
        schema = schema_of(one)
        return schema | {"type": [schema["type"], "null"]}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema_of(inner[1])}
    if origin is tuple and inner[1:] == (Ellipsis,):
        return {"type": "array", "items": schema_of(inner[0])}
    if origin is tuple:
        return {"type": "array", "items": schema_of(inner[0]), "minItems": len(inner), "maxItems": len(inner)}
    about = _attributes(kind)
    properties = {
        name: schema_of(hint) | ({"description": about[name]} if name in about else {})
        for name, hint in get_type_hints(kind, include_extras=True).items()
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _attributes(kind: type) -> dict[str, str]:
    return {name: " ".join(text.split()) for name, text in _ATTRIBUTE.findall(kind.__doc__ or "")}


def _query(kind: type) -> list[dict[str, Any]]:
    """Parameters of a query, each of which may be left out."""
    about, hints = _attributes(kind), get_type_hints(kind, include_extras=True)
    told = []
    for one in dataclasses.fields(kind):
        hint = hints[one.name]
        given = [part for part in get_args(hint) if part is not NoneType] if NoneType in get_args(hint) else [hint]
        schema = schema_of(given[0]) | ({} if one.default is None else {"default": one.default})
        told.append({"name": one.name, "in": "query", "description": about[one.name], "schema": schema})
    return told


def _problems(*statuses: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    retry = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return {
        one: {"description": _PROBLEMS[one], "content": content} | ({"headers": retry} if one == "503" else {})
        for one in statuses
    }


def _body(config: ServeConfig, *, most: int) -> dict[str, Any]:
    photo = {"type": "string", "format": "binary", "minLength": 1}
    photos = {"type": "array", "items": photo, "minItems": 1, "maxItems": most}
    form = {"type": "object", "properties": {"photo": photos}, "required": ["photo"], "additionalProperties": False}
    return {
        "required": True,
        "description": f"JPEG, PNG, WebP, BMP, TIFF, GIF, HEIC or AVIF; at most {config.max_mb} MB in all.",
        "content": {
            "multipart/form-data": {"schema": form},
            "application/octet-stream": {"schema": photo},
            "image/jpeg": {"schema": photo},
        },
    }


def _text(kind: str, about: str) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": about, "content": {kind: {"schema": {"type": "string"}}}}
    return {"200": answer}


def _get(name: str, summary: str, *answers: dict[str, Any], **more: Any) -> dict[str, Any]:
    responses = {status: one for found in answers for status, one in found.items()}
    return {"get": {"operationId": name, "summary": summary, "responses": responses, **more}}


def _classify(config: ServeConfig, every: tuple[str, ...], photos: dict[str, Any]) -> dict[str, Any]:
    judged = {
        "description": "A row for each photo, in their order, as `edgekit predict --json` prints them; one that can't "
        "be read has an `error` in place of a verdict.",
        "content": {"application/json": {"schema": photos}},
    }
    return {
        "post": {
            "operationId": "classify",
            "summary": "Classify photos",
            "parameters": _query(Asked),
            "requestBody": _body(config, most=config.max_photos),
            "responses": {"200": judged, **_problems(*every, *_OF_PHOTOS)},
        }
    }


def _explain(config: ServeConfig, labels: Sequence[str], every: tuple[str, ...]) -> dict[str, Any]:
    parameters = _query(ExplainAsked)
    next(one for one in parameters if one["name"] == "label")["schema"]["enum"] = list(labels)
    found = {
        "description": "What each part of the photo adds to the answer.",
        "content": {"application/json": {"schema": schema_of(Explanation)}},
    }
    return {
        "post": {
            "operationId": "explain",
            "summary": f"Say which parts of one photo an answer rests on, within {config.explain_s:g} s",
            "parameters": parameters,
            "requestBody": _body(config, most=1),
            "responses": {"200": found, **_problems(*every, *_OF_PHOTOS)},
        }
    }


def api_document(config: ServeConfig, labels: Sequence[str]) -> dict[str, Any]:
    """The OpenAPI document of a server.

    Args:
        config: Its limits, and whether it wants a token.
        labels: Those of its model.
    """
    row = schema_of(Prediction)
    row["properties"]["boxes"] = {"type": "array", "items": schema_of(CropAnswer), "description": _BOXES}
    photos = {"type": "array", "items": row}
    every = ("401", "421") if config.token else ("421",)
    model = {
        "description": "Name, labels, crops, limits, and `unknown`: its rule with threshold and rates, or null.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
    problem: dict[str, Any] = {"type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}}
    problem |= {"detail": {"type": "string"}, "photos": photos}
    schema = {
        "type": "object",
        "description": "What was wrong, by RFC 9457.",
        "properties": problem,
        "required": ["type", "title", "status", "detail"],
        "additionalProperties": False,
    }
    about = {
        "title": "edgekit serve",
        "version": edgekit.__version__,
        "description": "Photos in, verdicts out, by one model.",
    }
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": about,
        "paths": {
            "/v1/classify": _classify(config, every, photos),
            "/v1/explain": _explain(config, labels, every),
            "/v1/model": _get(
                "model", "What the model is, and what the server takes", {"200": model}, _problems(*every)
            ),
            "/healthz": _get(
                "health", "Whether the server lives", _text("text/plain", "It does."), _problems("421"), security=[]
            ),
            "/metrics": _get(
                "metrics", "Numbers for Prometheus", _text("text/plain", "Their text format, 0.0.4."), _problems(*every)
            ),
        },
        "components": {"schemas": {"Problem": schema}},
    }
    if config.token:
        document["security"] = [{"bearer": []}]
        document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    return document


def api_page(document: dict[str, Any]) -> str:
    """The document as a page of HTML, without scripts."""
    info = document["info"]
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(info['title'])}: the API</title>",
            '<link rel="icon" href="icon.svg" type="image/svg+xml"><link rel="stylesheet" href="page.css"></head>',
            '<body class="api"><header class="bar"><h1>edgekit serve: the API</h1><a href="./">The page</a>',
            '<a href="openapi.json">openapi.json</a></header><main>',
            f"<p>{html.escape(info['description'])} Version {html.escape(info['version'])}.</p>",
            "<h2>An example</h2>",
            f"<pre><code>{html.escape(_example(document))}</code></pre>",
            *(part for path, methods in document["paths"].items() for part in _operation(path, methods)),
            "<h2>What is wrong, in words</h2><p>Every refusal is <code>application/problem+json</code>:</p>",
            _schema(document["components"]["schemas"]["Problem"]),
            "</main></body></html>",
        ]
    )


def _example(document: dict[str, Any]) -> str:
    token = " -H 'Authorization: Bearer TOKEN'" if document.get("security") else ""
    return f"curl{token} -F photo=@shelf.jpg -F photo=@other.jpg 'http://HOST:PORT/v1/classify?top=3'"


def _operation(path: str, methods: dict[str, Any]) -> Iterator[str]:
    for method, told in methods.items():
        yield f"<section><h2><code>{method.upper()} {html.escape(path)}</code></h2>"
        yield f"<p>{html.escape(told['summary'])}</p>"
        if told.get("parameters"):
            rows = [(one["name"], _brief(one["schema"]), one["description"]) for one in told["parameters"]]
            yield _table("In the query", ("name", "value", "what it does"), rows)
        if "requestBody" in told:
            yield f"<p>Body: {html.escape(told['requestBody']['description'])} As "
            yield ", ".join(f"<code>{html.escape(kind)}</code>" for kind in told["requestBody"]["content"]) + ".</p>"
        answers = told["responses"].items()
        yield _table("Answers", ("status", "means"), [(status, one["description"]) for status, one in answers])
        good = told["responses"]["200"]["content"].get("application/json")
        if good is not None and "items" in good["schema"]:
            yield "<p>Each row:</p>" + _schema(good["schema"]["items"])
        elif good is not None and "properties" in good["schema"]:
            yield "<p>The answer:</p>" + _schema(good["schema"])
        yield "</section>"


def _schema(schema: dict[str, Any]) -> str:
    rows = [(name, _brief(one), one.get("description", "")) for name, one in schema["properties"].items()]
    return _table("Keys", ("key", "value", "what it is"), rows)


def _brief(schema: dict[str, Any]) -> str:
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    ends = f" {schema['minimum']:g} to {schema['maximum']:g}" if "maximum" in schema else ""
    default = f", else {json.dumps(schema['default'])}" if "default" in schema else ""
    return f"{' or '.join(kinds)}{ends}{default}"


def _table(caption: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    head = "".join(f'<th scope="col">{html.escape(one)}</th>' for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{_words(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{html.escape(caption)}"><table>'
        f"<caption>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _words(text: str) -> str:
    """Text whose backticks mark code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text))
