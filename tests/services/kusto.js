// Parses and binds KQL with Microsoft's language service: {columns, queries} on stdin, per query its result columns with
// their types and what is wrong with it on stdout.
"use strict";
const path = require("path");
const home = path.join(__dirname, "node_modules", "@kusto", "language-service-next");
require(path.join(home, "bridge.min.js"));
require(path.join(home, "Kusto.Language.Bridge.min.js"));

const { KustoCode, GlobalState, Symbols } = global.Kusto.Language;

function listed(list) {
  return Array.from({ length: list.Count }, (_, index) => list.getItem(index));
}

const { columns, queries } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const schema = Object.entries(columns).map(([name, type]) => `${name}: ${type}`).join(", ");
const table = new Symbols.TableSymbol.$ctor7("NSPAccessLogs", `(${schema})`, null);
const database = new Symbols.DatabaseSymbol.ctor("workspace", [table]);
const globals = GlobalState.Default.WithDatabase(database);

const checked = {};
for (const [name, text] of Object.entries(queries)) {
  const code = KustoCode.ParseAndAnalyze(text, globals);
  const result = code.ResultType;
  checked[name] = {
    columns: result && result.Columns
      ? Object.fromEntries(listed(result.Columns).map((column) => [column.Name, column.Type.Name]))
      : {},
    problems: listed(code.GetDiagnostics()).map((problem) => problem.Message),
  };
}
process.stdout.write(JSON.stringify(checked));
