"use strict";
// Renders the OpenAPI document that stands in this page. Text is only ever set as text.
const api = JSON.parse(document.getElementById("data").textContent);
// Text with `code` in it, as text nodes and <code> elements: nothing in it is ever markup.
const prose = (tag, text) => {
  const element = document.createElement(tag);
  element.append(...(text || "").split("`").map((piece, at) => (at % 2 ? make("code", piece) : piece)));
  return element;
};
const make = (tag, text = "", properties = {}) => Object.assign(document.createElement(tag), { textContent: text }, properties);

const follow = (schema) => (schema?.$ref ? api.components.schemas[schema.$ref.split("/").pop()] : schema) || {};
function sample(schema, depth = 0) {
  const s = follow(schema);
  if (depth > 6) return "…";
  if (s.default !== undefined) return s.default;
  if (s.enum) return s.enum.join(" | ");
  if (s.const !== undefined) return s.const;
  if (s.anyOf) return s.anyOf.some((each) => each.type === "null") ? `${typeName(s)}` : sample(s.anyOf[0], depth);
  if (s.properties) return Object.fromEntries(Object.entries(s.properties).map(([name, each]) => [name, sample(each, depth + 1)]));
  if (s.type === "array") return [sample(s.items, depth + 1)];
  return typeName(s);
}
function typeName(schema) {
  const s = follow(schema);
  if (s.anyOf) return s.anyOf.map(typeName).join(" | ");
  if (s.enum) return s.enum.join(" | ");
  return s.format || s.title && !s.type && s.title || s.type || "any";
}
function block(title, schema) {
  const part = document.createElement("section");
  part.append(make("h4", title), make("pre", JSON.stringify(sample(schema), null, 2), { tabIndex: 0 }));
  return part;
}
function parameters(list) {
  const part = document.createElement("section"), names = document.createElement("dl");
  part.append(make("h4", "Parameters"), names);
  for (const each of list) {
    names.append(make("dt", each.name), prose("dd", `${each.in}, ${typeName(each.schema)}${each.required ? ", required" : ""}. ${each.description || ""}`));
  }
  return part;
}
function operation(path, method, spec) {
  const card = make("article", "", { id: spec.operationId });
  const heading = make("h3");
  heading.append(make("span", method.toUpperCase(), { className: "method" }), make("code", path));
  card.append(heading, prose("div", spec.description || spec.summary));
  if (spec.parameters?.length) card.append(parameters(spec.parameters));
  const body = spec.requestBody?.content?.["application/json"]?.schema;
  if (body) card.append(block("Body", body.anyOf ? body.anyOf[0] : body));
  for (const [status, answer] of Object.entries(spec.responses)) {
    const schema = answer.content?.["application/json"]?.schema;
    if (status !== "default" && schema && Object.keys(follow(schema)).length) card.append(block(`Answer ${status}`, schema));
  }
  return card;
}

document.getElementById("title").textContent = `${api.info.title} API ${api.info.version}`;
document.getElementById("description").replaceChildren(...prose("div", api.info.description).childNodes);
const groups = new Map();
for (const [path, methods] of Object.entries(api.paths)) {
  for (const [method, spec] of Object.entries(methods)) {
    const tag = spec.tags?.[0] || "other";
    groups.set(tag, [...(groups.get(tag) || []), [path, method, spec]]);
  }
}
for (const [tag, operations] of groups) {
  document.getElementById("index").append(make("h2", tag));
  for (const [path, method, spec] of operations) {
    document.getElementById("index").append(make("a", `${method.toUpperCase()} ${path}`, { href: `#${spec.operationId}` }));
    document.getElementById("operations").append(operation(path, method, spec));
  }
}
