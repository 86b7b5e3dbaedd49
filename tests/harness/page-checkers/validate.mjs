// Checks that pages are valid HTML, with html-validate. Run as
//
//   node validate.mjs DIRECTORY
//
// where DIRECTORY has its node_modules. Reads a JSON object from standard input, pages by their names, and
// writes a line for each problem. Its exit status says whether the check ran, not what it found.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.argv[2]}/`);
const { HtmlValidate, StaticConfigLoader } = require("html-validate");

const config = {
    root: true,
    extends: ["html-validate:recommended"],
    rules: {
        // HTML ignores the case here (https://html.spec.whatwg.org/#the-doctype); the pages write it like all else.
        "doctype-style": ["error", { style: "lowercase" }],
        // White space where a template leaves something out; it is invisible.
        "no-trailing-whitespace": "off",
        // Only for resources from other origins, of which there are none: the server itself needs no integrity check.
        "require-sri": ["error", { target: "crossorigin" }],
    },
};

const validator = new HtmlValidate(new StaticConfigLoader(config));
const pages = JSON.parse(readFileSync(0, "utf8"));
for (const [name, page] of Object.entries(pages)) {
    const { results } = await validator.validateString(page, name);
    for (const { messages } of results) {
        for (const { line, column, ruleId, message, selector } of messages) {
            const place = selector ? ` (${selector})` : "";
            console.log(`${name}: line ${line}, column ${column}: ${message}${place} [${ruleId}]`);
        }
    }
}
