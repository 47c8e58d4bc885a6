// Validates HTML documents: {name: html} as JSON in, {name: ["line:column rule: message", ...]} out.
import { readFileSync } from "node:fs";
import { HtmlValidate } from "html-validate/node";

const validator = new HtmlValidate({
  root: true,
  extends: ["html-validate:standard"],
  rules: {
    // A mail program may know neither <main> nor a void tag without its slash; both ways are HTML.
    "prefer-native-element": "off",
    "void-style": "off",
    // Styles stand in the tags for the mail programs that drop the sheet.
    "no-inline-style": "off",
    "no-conditional-comment": "off",
  },
});

const pages = JSON.parse(readFileSync(0, "utf8"));
const found = {};
for (const [name, page] of Object.entries(pages)) {
  const report = await validator.validateString(page);
  found[name] = report.results.flatMap((result) =>
    result.messages.map((one) => `${one.line}:${one.column} ${one.ruleId}: ${one.message}`),
  );
}
process.stdout.write(JSON.stringify(found));
