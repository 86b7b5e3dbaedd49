// Checks that pages are valid HTML, with html-validate. Run as
//
//   node validate.mjs DIRECTORY
//
// where DIRECTORY has its node_modules. Reads an object of JSON from standard input, pages by their names,
// and writes a line for each problem. Its exit status says whether it could check, not what it found.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.argv[2]}/`);
const { HtmlValidate, StaticConfigLoader } = require("html-validate");

const config = {
    root: true,
    extends: ["html-validate:recommended"],
    rules: {
        // HTML knows no case here (https://html.spec.whatwg.org/#the-doctype); the pages' is as all else.
        "doctype-style": ["error", { style: "lowercase" }],
        // What a template leaves where it leaves something out; nobody sees it.
        "no-trailing-whitespace": "off",
        // Of what comes from elsewhere, if anything ever did: the server itself needs no proof.
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
