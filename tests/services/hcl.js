// Parses HCL with HashiCorp's own parser: a list of texts on stdin, per text what it holds or what is wrong on stdout.
"use strict";
const { parse } = require("@cdktn/hcl2json");

async function main() {
  const found = [];
  for (const text of JSON.parse(require("fs").readFileSync(0, "utf8"))) {
    try {
      found.push({ holds: await parse("rules.tf", text) });
    } catch (error) {
      found.push({ wrong: String(error) });
    }
  }
  process.stdout.write(JSON.stringify(found), () => process.exit(0));
}

main();
