/* Brings the still figure of the explorer to life: no library, no request. Counts are exact, see explored.py. */
(function () {
  "use strict";
  var SVG = "http://www.w3.org/2000/svg";
  var RATES = [["sensitivity", "Sensitivity"], ["specificity", "Specificity"], ["ppv", "PPV"], ["npv", "NPV"], ["f1", "F1"]];
  var NEAR = 6;      /* studies listed on each side of the threshold */
  var TURNED = 12;   /* studies listed that change side */
  var LEFT_OUT = 2, DOUBTED = 4;

  function make(name, attributes, children) {
    var node = document.createElement(name);
    Object.keys(attributes || {}).forEach(function (key) { node.setAttribute(key, attributes[key]); });
    [].concat(children === undefined ? [] : children).forEach(function (child) {
      node.append(child instanceof Node ? child : document.createTextNode(child));
    });
    return node;
  }
  function draw(name, attributes) {
    var node = document.createElementNS(SVG, name);
    Object.keys(attributes).forEach(function (key) { node.setAttribute(key, attributes[key]); });
    return node;
  }

  /* Wilson's interval, as operating.wilson. */
  function wilson(k, n, z2) {
    if (n === 0) { return { value: NaN, low: NaN, high: NaN }; }
    var centre = (k + z2 / 2) / (n + z2);
    var half = Math.sqrt(z2 * (k * (n - k) / n + z2 / 4)) / (n + z2);
    return { value: k / n, low: k === 0 ? 0 : centre - half, high: k === n ? 1 : centre + half };
  }
  function ratesOf(c, z2) {
    var jaccard = wilson(c.tp, c.tp + c.fp + c.fn, z2), f1 = {};
    Object.keys(jaccard).forEach(function (key) { f1[key] = 2 * jaccard[key] / (1 + jaccard[key]); });
    return {
      sensitivity: wilson(c.tp, c.tp + c.fn, z2), specificity: wilson(c.tn, c.tn + c.fp, z2),
      ppv: wilson(c.tp, c.tp + c.fp, z2), npv: wilson(c.tn, c.tn + c.fn, z2), f1: f1
    };
  }
  function shown(rate) {
    if (isNaN(rate.value)) { return "\u2013"; }
    return rate.value.toFixed(3) + " (" + rate.low.toFixed(3) + "\u2013" + rate.high.toFixed(3) + ")";
  }
  function digits(score) {
    if (score === Infinity) { return "above all"; }
    var size = Math.abs(score);
    return size > 0 && size < 0.001 ? score.toExponential(2) : size > 0.999 && size < 1 ? score.toFixed(6) : score.toFixed(4);
  }

  /* Reads the packed columns. */
  function reader(data) {
    var bytes = Uint8Array.from(atob(data.packed), function (c) { return c.charCodeAt(0); });
    if (bytes.length !== data.bytes) { throw new Error("the packed scores are damaged"); }
    var view = new DataView(bytes.buffer), known = new Map();

    function back(column, level) {
      var value = column.low + level / 65535 * (column.high - column.low);
      return column.logit ? 1 / (1 + Math.exp(-value)) : value;
    }
    function ofCounts(column) {
      var found = { cuts: [], hits: [], alarms: [], positives: column.positives, negatives: column.negatives, studies: null };
      for (var i = 0; i < column.k; i++) {
        var last = column.above && i === column.k - 1;
        found.cuts.push(last ? Infinity : back(column, view.getUint32(column.from + 4 * i, true)));
        found.hits.push(view.getUint32(column.from + 4 * (column.k + i), true));
        found.alarms.push(view.getUint32(column.from + 4 * (2 * column.k + i), true));
      }
      return found;
    }
    function ofStudies(group, column, place) {
      var roster = data.rosters[group.roster], n = group.n, studies = [];
      for (var i = 0; i < n; i++) {
        var at = place * n + i, code = bytes[roster.from + (at >> 1)] >> (at & 1 ? 4 : 0) & 15;
        var level = view.getUint16(column.from + 2 * i, true);
        studies.push({ id: roster.studies[i], level: level, score: back(column, level), truth: code & 3, doubted: (code & DOUBTED) > 0 });
      }
      studies.sort(function (a, b) { return a.level - b.level || (a.id < b.id ? -1 : 1); });
      var found = { cuts: [], levels: [], hits: [], alarms: [], positives: 0, negatives: 0, studies: studies };
      for (var j = n - 1; j >= 0; j--) {
        var study = studies[j];
        if (study.truth === LEFT_OUT) { continue; }
        if (found.levels[found.levels.length - 1] !== study.level) {
          found.levels.push(study.level); found.cuts.push(study.score); found.hits.push(0); found.alarms.push(0);
        }
        found[study.truth === 1 ? "positives" : "negatives"]++;
        found.hits[found.hits.length - 1] = found.positives;
        found.alarms[found.alarms.length - 1] = found.negatives;
      }
      ["cuts", "levels", "hits", "alarms"].forEach(function (key) { found[key].reverse(); });
      found.cuts.push(Infinity); found.levels.push(65536); found.hits.push(0); found.alarms.push(0);
      return found;
    }
    return function (group, place) {
      var column = group.columns[place];
      if (!known.has(column)) {
        var found = data.cases ? ofStudies(group, column, place) : ofCounts(column);
        found.at = column.at; found.level = column.level; found.declared = column.threshold; found.finding = column.finding;
        known.set(column, found);
      }
      return known.get(column);
    };
  }

  function start(root) {
    var data = JSON.parse(root.querySelector(".lk-data").textContent), read = reader(data);
    function one(name) { return root.querySelector(name); }
    var controls = one(".lk-controls"), svg = one("svg"), ink = one(".lk-curves"), tip = one(".lk-tip"), says = one(".lk-says");
    var chosen = { finding: one(".lk-finding"), group: one(".lk-group"), policy: one(".lk-policy"), beside: one(".lk-beside") };
    var panels = [], waiting = 0;
    var policies = distinct(data.groups, function (g) { return g.policy; });
    var places = distinct(data.groups, function (g) { return g.site + "|" + g.split; });

    function distinct(list, key) { return Array.from(new Set(list.map(key))); }
    function fill(select, pairs, keep) {
      select.replaceChildren.apply(select, pairs.map(function (p) { return make("option", { value: p[0] }, p[1]); }));
      if (pairs.some(function (p) { return p[0] === keep; })) { select.value = keep; }
    }
    function group(policy) {
      return data.groups.find(function (g) { return g.policy === policy && g.site + "|" + g.split === chosen.group.value; });
    }
    function most() {
      var first = data.groups[0], best = 0, n = -1;
      first.columns.forEach(function (c, i) { var found = read(first, i); if (found.positives > n) { best = i; n = found.positives; } });
      return first.columns[best].finding;
    }
    function findings(keep) {
      var own = group(chosen.policy.value), names = own ? own.columns.map(function (c) { return c.finding; }) : [];
      fill(chosen.finding, names.map(function (n) { return [n, n]; }), keep);
    }

    /* Counts at a position of a panel's slider. */
    function counts(column, position) {
      var tp = column.hits[position], fp = column.alarms[position];
      return { tp: tp, fp: fp, fn: column.positives - tp, tn: column.negatives - fp };
    }
    function value(column, position) { return position === column.at ? column.declared : column.cuts[position]; }
    function point(column, position) {
      var c = counts(column, position), f = data.frame;
      return [f[0] + c.fp / column.negatives * (f[2] - f[0]), f[3] - c.tp / column.positives * (f[3] - f[1])];
    }

    function panel(policy, kind) {
      var own = group(policy), place = own ? own.columns.findIndex(function (c) { return c.finding === chosen.finding.value; }) : -1;
      if (place < 0) { return null; }
      var column = read(own, place), made = { policy: policy, kind: kind, column: column };
      made.position = column.at === null ? Math.floor(column.cuts.length / 2) : column.at;
      made.slider = make("input", { type: "range", min: 0, max: column.cuts.length - 1, step: 1, "aria-label": "Threshold, " + policy, class: "lk-range" });
      made.exact = make("input", { type: "number", step: "any", "aria-label": "Threshold as a number, " + policy, class: "lk-number" });
      made.back = make("button", { type: "button", class: "lk-back" }, "Declared threshold");
      made.back.disabled = column.at === null;
      var slot = make("div", { class: "lk-slider" }, made.slider);
      if (column.at !== null) {
        var share = column.at / Math.max(column.cuts.length - 1, 1);
        slot.append(make("span", { class: "lk-notch", "aria-hidden": "true", style: "left: calc(8px + " + share + " * (100% - 16px))" }, "\u25BC"));
      }
      made.printed = make("p", { class: "lk-printed" });
      made.cells = {};
      function cell(name, kind) { made.cells[name] = make("td", { class: "lk-" + name + " " + kind }); return made.cells[name]; }
      function row(title, cells) { return make("tr", {}, [make("th", { scope: "row" }, title)].concat(cells)); }
      var head = make("tr", {}, [make("td"), make("th", { scope: "col" }, "there"), make("th", { scope: "col" }, "not there")]);
      var matrix = make("table", { class: "lk-matrix", "aria-label": "Confusion matrix, " + policy }, [make("thead", {}, head), make("tbody", {}, [
        row("called", [cell("tp", "lk-right"), cell("fp", "lk-wrong")]), row("not called", [cell("fn", "lk-wrong"), cell("tn", "lk-right")])])]);
      var rates = make("table", { class: "lk-rates" }, [
        make("thead", {}, make("tr", {}, [make("th", { scope: "col" }, "Rate"), make("th", { scope: "col" }, "value (" + 100 * data.level + " % CI)")])),
        make("tbody", {}, RATES.map(function (r) { return row(r[1], [cell(r[0], "")]); }))]);
      made.node = make("div", { class: "lk-panel lk-" + kind, "data-policy": policy }, [
        make("p", { class: "lk-title" }, policy + " \u00B7 " + own.site + ", " + own.split), slot,
        make("div", { class: "lk-exact" }, [make("label", {}, ["Threshold ", made.exact]), made.back]), made.printed, matrix, rates]);
      made.list = data.cases ? make("div", { class: "lk-" + kind }) : null;
      made.slider.addEventListener("input", function () { move(made, Number(made.slider.value)); });
      made.back.addEventListener("click", function () { move(made, column.at); });
      made.exact.addEventListener("change", function () {
        var wanted = made.exact.value === "" ? NaN : Number(made.exact.value);
        if (isNaN(wanted)) { update(made); return; }
        if (wanted === column.declared) { move(made, column.at); return; }
        var position = column.cuts.findIndex(function (cut) { return cut >= wanted; });
        move(made, position < 0 ? column.cuts.length - 1 : position);
      });
      return made;
    }

    function move(made, position) {
      made.position = position;
      update(made);
      roc();
    }
    function update(made) {
      var column = made.column, c = counts(column, made.position), rates = ratesOf(c, data.z2), now = value(column, made.position);
      ["tp", "fp", "fn", "tn"].forEach(function (name) { made.cells[name].textContent = c[name]; });
      RATES.forEach(function (r) {
        var rate = rates[r[0]], cell = made.cells[r[0]];
        cell.textContent = shown(rate);
        ["value", "low", "high"].forEach(function (part) { cell.dataset[part] = rate[part]; });
      });
      made.slider.value = made.position;
      made.exact.value = now === Infinity ? "" : Number(now.toPrecision(5));
      made.exact.placeholder = now === Infinity ? "above all" : "";
      made.node.dataset.threshold = now;
      made.printed.textContent = "Threshold " + digits(now) + (made.position === column.at ? ", " + data.point : "");
      var words = "threshold " + digits(now) + ", sensitivity " + shown(rates.sensitivity).slice(0, 5) + ", specificity " + shown(rates.specificity).slice(0, 5);
      made.slider.setAttribute("aria-valuetext", words);
      clearTimeout(waiting);
      waiting = setTimeout(function () { says.textContent = made.policy + ": " + words; }, 400);
      if (made.list) { list(made); }
    }

    /* Studies on both sides of the threshold, and those that it has moved to another side. */
    function list(made) {
      var column = made.column, studies = column.studies, cut = made.position === column.at ? column.level : column.levels[made.position];
      var first = studies.findIndex(function (s) { return s.level >= cut; });
      if (first < 0) { first = studies.length; }
      var declared = column.at === null ? cut : column.level;
      function turned(s) { return (s.level >= cut) !== (s.level >= declared); }
      function line(s) {
        var called = s.level >= cut, right = s.truth === LEFT_OUT ? null : called === (s.truth === 1);
        var verdict = right === null ? "not counted" : right ? "right" : "wrong";
        return make("tr", { class: turned(s) ? "lk-turned" : "" }, [
          make("td", {}, s.id), make("td", {}, digits(s.score)),
          make("td", {}, ["not there", "there", "uncertain"][s.truth]), make("td", {}, s.doubted ? "uncertain" : "sure"),
          make("td", { class: right === null ? "" : right ? "lk-right" : "lk-wrong" }, (called ? "called, " : "not called, ") + verdict)]);
      }
      function table(caption, rows) {
        var names = ["Study", "Score", "Reference", "Report", "Network"];
        return [make("p", { class: "lk-caption" }, caption), make("div", { class: "lk-scroll", tabindex: 0, role: "region", "aria-label": caption }, make("table", {}, [
          make("thead", {}, make("tr", {}, names.map(function (n) { return make("th", { scope: "col" }, n); }))), make("tbody", {}, rows)]))];
      }
      var above = studies.slice(first, first + NEAR).reverse().map(line), below = studies.slice(Math.max(first - NEAR, 0), first).reverse().map(line);
      var between = make("tr", { class: "lk-line" }, make("td", { colspan: 5 }, "\u25B2 called \u00B7 threshold " + digits(value(column, made.position)) + " \u00B7 not called \u25BC"));
      var parts = table("Nearest to the threshold, " + made.policy, above.concat(between, below));
      var changed = studies.filter(turned);
      if (changed.length) {
        changed.sort(function (a, b) { return Math.abs(a.level - cut) - Math.abs(b.level - cut); });
        var better = changed.filter(function (s) { return s.truth !== LEFT_OUT && (s.level >= cut) === (s.truth === 1); }).length;
        var worse = changed.filter(function (s) { return s.truth !== LEFT_OUT; }).length - better;
        var caption = changed.length + " studies change side against the declared threshold: " + better + " become right, " + worse + " wrong" +
          (changed.length > TURNED ? "; the " + TURNED + " nearest to the threshold" : "");
        parts = parts.concat(table(caption, changed.slice(0, TURNED).map(line)));
      } else {
        parts.push(make("p", { class: "lk-caption lk-none" }, "Against the declared threshold no study changes side."));
      }
      made.list.replaceChildren.apply(made.list, parts);
    }

    function roc() {
      ink.replaceChildren();
      panels.forEach(function (made) {
        var column = made.column, f = data.frame, path = "M" + f[0] + " " + f[3];
        for (var i = column.cuts.length - 1; i >= 0; i--) { var p = point(column, i); path += "L" + p[0].toFixed(1) + " " + p[1].toFixed(1); }
        path += "L" + f[2] + " " + f[1];
        ink.append(draw("path", { class: "lk-curve lk-" + made.kind, d: path }));
        if (column.at !== null) { var d = point(column, column.at); ink.append(draw("circle", { class: "lk-declared lk-" + made.kind, cx: d[0], cy: d[1], r: 7 })); }
        var now = point(column, made.position);
        ink.append(draw("circle", { class: "lk-now lk-" + made.kind, cx: now[0], cy: now[1], r: 4.5 }));
      });
      svg.setAttribute("aria-label", "ROC curve, " + chosen.finding.value + ": " + panels.map(function (m) { return m.policy + ", " + m.slider.getAttribute("aria-valuetext"); }).join("; "));
    }

    function nearest(event) {
      var box = svg.getBoundingClientRect(), x = (event.clientX - box.left) / box.width * 360, y = (event.clientY - box.top) / box.height * 360, best = null;
      panels.forEach(function (made) {
        for (var i = 0; i < made.column.cuts.length; i++) {
          var p = point(made.column, i), away = Math.hypot(p[0] - x, p[1] - y);
          if (!best || away < best.away) { best = { made: made, position: i, away: away, p: p }; }
        }
      });
      return best;
    }
    function hide() { tip.hidden = true; ink.querySelectorAll(".lk-hover").forEach(function (n) { n.remove(); }); }
    svg.addEventListener("pointermove", function (event) {
      var found = nearest(event);
      hide();
      if (!found) { return; }
      var column = found.made.column, c = counts(column, found.position);
      ink.append(draw("circle", { class: "lk-hover lk-" + found.made.kind, cx: found.p[0], cy: found.p[1], r: 5 }));
      tip.textContent = (panels.length > 1 ? found.made.policy + "\n" : "") + "threshold " + digits(value(column, found.position)) +
        "\nsensitivity " + (c.tp / column.positives).toFixed(3) + "\nspecificity " + (c.tn / column.negatives).toFixed(3);
      tip.hidden = false;
      var scale = svg.getBoundingClientRect().width / 360;
      tip.style.left = Math.min(found.p[0] * scale + 12, svg.clientWidth - tip.offsetWidth) + "px";
      tip.style.top = found.p[1] * scale + 12 + "px";
    });
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("click", function (event) { var found = nearest(event); if (found) { move(found.made, found.position); } });

    function build() {
      var policy = chosen.policy.value, others = policies.filter(function (name) { return name !== policy; });
      fill(chosen.beside, [["", "none"]].concat(others.map(function (name) { return [name, name]; })), chosen.beside.value);
      findings(chosen.finding.value);
      panels = [panel(policy, "first"), chosen.beside.value ? panel(chosen.beside.value, "second") : null].filter(Boolean);
      one(".lk-panels").replaceChildren.apply(one(".lk-panels"), panels.map(function (made) { return made.node; }));
      lists.replaceChildren.apply(lists, panels.map(function (made) { return made.list; }).filter(Boolean));
      panels.forEach(update);
      roc();
      hide();
      var column = panels.length ? panels[0].column : null;
      one(".lk-caption").textContent = column === null ? "" : chosen.finding.value + ": " + column.positives + " of " + (column.positives + column.negatives) +
        " studies have it. Ring: the declared threshold (" + data.point + "). Dot: the threshold now; click the curve to move it.";
    }

    var lists = make("div", { class: "lk-lists" });
    one(".lk-body").after(lists);
    fill(chosen.policy, policies.map(function (name) { return [name, name]; }));
    fill(chosen.group, places.map(function (name) {
      var own = data.groups.find(function (g) { return g.site + "|" + g.split === name; });
      return [name, name.replace("|", ", ") + " (" + own.n + ")" + (own.split === "validation" ? ": thresholds were chosen here" : "")];
    }));
    findings(most());
    Object.keys(chosen).forEach(function (key) { chosen[key].addEventListener("change", build); });
    chosen.beside.parentNode.hidden = policies.length < 2;
    controls.hidden = false;
    root.classList.add("lk-live");
    build();
  }

  /* JupyterLab has shortcuts on single keys, arrows too; within the explorer they belong to its controls. */
  if (!window.labkitExplorerKeys) {
    window.labkitExplorerKeys = true;
    window.addEventListener("keydown", function (event) {
      var modified = event.ctrlKey || event.metaKey || event.altKey, target = event.target;
      if (!modified && target.closest && target.closest(".lk-explorer :is(input, select, button)")) { event.stopPropagation(); }
    }, true);
  }
  document.querySelectorAll(".lk-explorer:not([data-state])").forEach(function (root) {
    root.dataset.state = "started";
    try { start(root); root.dataset.state = "live"; } catch (error) { root.dataset.state = "still"; }
  });
})();
