// What the page does by itself: headings in the grid, keys, and keeping the choice over a reload. No text becomes code.
(function () {
  "use strict";
  const gridFunctions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
  const gridComponents = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
  const clientside = (window.dash_clientside = window.dash_clientside || {});
  const byId = (id) => document.getElementById(id);
  const grid = () => {
    try {
      return window.dash_ag_grid.getApi("grid");
    } catch (_) {
      return null; // not there yet
    }
  };
  const none = () => clientside.no_update;

  // ---- grid: groups stay together whatever it is sorted by, each below its heading
  gridFunctions.keepGroups = (params) => {
    const nodes = params.nodes;
    if (!nodes.some((node) => node.data && node.data.heading)) return;
    const place = new Map(nodes.map((node, index) => [node, index]));
    const group = (node) => (node.data && node.data.group) || 0;
    nodes.sort(
      (a, b) =>
        group(a) - group(b) || (b.data.heading ? 1 : 0) - (a.data.heading ? 1 : 0) || place.get(a) - place.get(b)
    );
  };
  // ---- grid: what a row can't be told by gives way first where it is narrow, since nobody scrolls sideways in a list
  const LEAST_WIDTHS = { flags: 830, extra: 915, kind: 1060, why: 680, days: 480, direction: 400 };
  const SEVERAL_LINES_BELOW = 480;
  function fit() {
    const api = grid();
    const width = byId("grid").clientWidth;
    for (const [name, least] of Object.entries(LEAST_WIDTHS)) {
      const column = api.getColumn(name);
      api.setColumnsVisible([name], width >= least || column.isFilterActive());
    }
    const height = width < SEVERAL_LINES_BELOW ? 60 : 38;
    if (api.getGridOption("rowHeight") !== height) {
      api.setGridOption("rowHeight", height);
      api.resetRowHeights();
    }
    api.refreshCells({ force: true, columns: ["why"] });
  }
  const watched = window.setInterval(() => {
    if (!grid()) return;
    window.clearInterval(watched);
    new ResizeObserver(fit).observe(byId("grid")); // it answers at once, and then whenever the width changes
  }, 50);
  gridFunctions.stateOf = ({ data, value }) => `${data.glyph} ${value}${data.flags ? " ?" : ""}`;
  gridFunctions.whyOf = (params) => {
    const flags = params.data.flags;
    const isBeside = !flags || params.api.getColumn("flags").isVisible();
    return isBeside ? params.value : `? ${flags} \u00b7 ${params.value}`;
  };
  gridComponents.GroupHeading = (props) =>
    window.React.createElement("div", { className: "group-heading" }, props.data.heading);

  // ---- the server may have ended: say so, rather than answer nothing
  const ask = window.fetch.bind(window);
  let isGone = false;
  window.fetch = (...given) =>
    ask(...given).then(
      (answer) => {
        if (answer.status === 403) tell("This browser is signed out. Open the address that nsp review prints.");
        else if (answer.status >= 500) tell("nsp review met an error; its terminal says which. Load the page again.");
        else if (isGone) tell("");
        isGone = false;
        return answer;
      },
      (error) => {
        isGone = true;
        tell("nsp review has ended, or can't be reached. Start it again to go on.");
        throw error;
      }
    );
  function tell(text) {
    const banner = byId("banner");
    if (banner && banner.textContent !== text) banner.textContent = text;
  }

  // ---- called by callbacks
  clientside.nsp = {
    choose: (rows, before) => {
      const chosen = rows && rows.length ? rows[0].id : null;
      if (chosen === before || chosen === null) return none(); // what a filter hides stays in view beside the grid
      begun = null;
      return chosen;
    },
    restore: (rows, chosen, selected) => {
      const first = !clientside.nsp.settled;
      if (rows && rows.length) clientside.nsp.settled = true;
      if (!first || !chosen || (selected && selected.length) || !rows.some((row) => row.id === chosen)) return none();
      return { ids: [chosen] };
    },
    hear: (news, tick) => {
      if (!news || news.tick.n !== tick.n + 1) return [none(), none(), none()];
      return [news.tick, ...(news.said ? [news.said, "notice is-bad"] : [none(), none()])];
    },
    visible: (clicks) => (clicks ? { n: clicks, ids: shownNodes().map((node) => node.data.id) } : none()),
    edits: (clicks, _chosen, _decided, hidden) => {
      const asked = clientside.callback_context.triggered.some((each) => each.prop_id === "edit.n_clicks");
      const open = Boolean(asked && clicks && hidden);
      if (open) window.setTimeout(() => focusField("elements"), 60);
      return [!open, String(open)];
    },
    settled: false,
  };

  function shownNodes() {
    const found = [];
    const api = grid();
    if (api) api.forEachNodeAfterFilterAndSort((node) => node.data && !node.data.heading && found.push(node));
    return found;
  }

  function go(step, wanted) {
    const api = grid();
    const nodes = shownNodes();
    if (!api || !nodes.length) return;
    const chosen = api.getSelectedNodes()[0];
    const at = chosen ? nodes.findIndex((node) => node.id === chosen.id) : step > 0 ? -1 : nodes.length;
    for (let n = 1; n <= nodes.length; n += 1) {
      const index = at + n * step;
      if (!wanted && (index < 0 || index >= nodes.length)) return;
      const node = nodes[((index % nodes.length) + nodes.length) % nodes.length];
      if (!wanted || wanted(node.data)) {
        node.setSelected(true, true);
        api.ensureNodeVisible(node);
        return;
      }
    }
  }

  const waits = (row) => row.waits;

  function press(id) {
    const button = byId(id);
    if (!button || button.disabled || !button.offsetParent) return;
    if (id === "reject" && !byId("reason").value.trim()) {
      begun = id;
      focusField("reason");
      return;
    }
    begun = id;
    button.click();
  }

  function focusField(id) {
    const field = byId(id);
    if (field) field.focus();
  }

  let begun = null; // the decision that waits for a reason
  const KEYS = {
    j: () => go(1),
    k: () => go(-1),
    n: () => go(1, waits),
    a: () => press("accept"),
    r: () => press("reject"),
    e: () => press("edit"),
    d: () => press("defer"),
    u: () => press("undo"),
    "/": () => focusField("search"),
    "?": () => help(true),
  };

  function help(open) {
    const dialog = byId("help");
    if (!dialog) return;
    if (open && !dialog.open) dialog.showModal();
    if (!open && dialog.open) dialog.close();
  }

  const FIELDS = "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable=true]";
  const isField = (target) => target.closest(`${FIELDS}, .dash-dropdown, .dash-dropdown-content, .ag-filter, .ag-popup`);

  document.addEventListener(
    "keydown",
    (event) => {
      if (event.isComposing || event.altKey || event.metaKey) return;
      const target = event.target instanceof Element ? event.target : document.body;
      if (event.key === "Escape") {
        if (isField(target)) target.blur();
        return;
      }
      if (event.key === "Enter" && (target.id === "reason" || target.id === "until")) {
        event.preventDefault();
        const button = begun && byId(begun === "edit" ? "edit-save" : begun);
        if (!button) return byId("accept").focus(); // nothing was begun: a reason alone decides nothing
        window.setTimeout(() => !button.disabled && button.click(), 30); // after the field has told its value
        return;
      }
      if (event.key === "Enter" && event.ctrlKey && target.id === "elements") {
        press("edit-save");
        return;
      }
      if (event.ctrlKey || isField(target) || (byId("help") && byId("help").open && event.key !== "?")) return;
      const does = KEYS[event.key];
      if (!does) return;
      event.preventDefault();
      event.stopPropagation();
      does();
    },
    true
  );

  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    if (event.target.closest(".ag-center-cols-container .ag-row") && window.innerWidth <= 1100) {
      window.setTimeout(() => byId("detail").scrollIntoView({ block: "start" }), 150); // it lies below the grid
    }
    const button = event.target.closest("button");
    if (!button) return;
    if (button.id === "help-open") help(true);
    if (button.id === "help-close") help(false);
    if (["accept", "reject", "defer", "edit", "edit-save"].includes(button.id)) begun = button.id;
  });

  // ---- after the server's word: go where it is wanted
  new MutationObserver((changes) => {
    for (const change of changes) {
      const target = change.target;
      if (target.id === "notice" && target.classList.contains("wants-reason")) focusField("reason");
      if (target.id === "notice" && target.classList.contains("is-ok")) begun = null;
    }
    const thumb = document.querySelector("#plan-size [role=slider]:not([aria-label])");
    if (thumb) thumb.setAttribute("aria-label", "Number of prefixes");
  }).observe(document.documentElement, { subtree: true, attributes: true, attributeFilter: ["class", "hidden"] });
})();
