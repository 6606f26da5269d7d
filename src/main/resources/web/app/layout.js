/**
 * Where the nodes of a graph stand. A graph is series-parallel: chains, branches, and boxes around a part. One pass makes the sizes, one
 * the places; the same graph has the same picture each time, whatever has happened in it meanwhile.
 */

const W = 210;
const H = 52;
const GAP = 26;
const BETWEEN = 22;
const PAD = 14;
const HEAD = 26;
const PROGRESS = 16;
const MOST = 2000;

/** Nodes by id, and from the root a tree of shapes: leaf, chain (one below the other), branches (side by side), box (around one). */
function shape(nodes, id, seen) {
  const node = nodes.get(id);
  if (!node || seen.has(id) || seen.size >= MOST) return null;
  seen.add(id);
  const child = (of) => (of ? shape(nodes, of, seen) : null);
  const some = (...ids) => ids.map(child).filter(Boolean);
  switch (node.type) {
    case 'THEN': {
      const parts = some(node.left, node.right).flatMap((part) => (part.kind === 'chain' && !part.node ? part.parts : [part]));
      return { kind: 'chain', parts };
    }
    case 'JOIN':
      return { kind: 'box', node, parts: [{ kind: 'branches', parts: some(node.left, node.right, ...(node.extra ?? [])) }] };
    case 'RACE':
      return { kind: 'box', node, parts: [{ kind: 'branches', parts: some(node.left, node.right) }] };
    case 'IF': {
      const branches = { kind: 'branches', parts: some(node.left, node.right), names: ['then', 'else'] };
      return { kind: 'box', node, parts: [...some(node.condition), branches] };
    }
    case 'CATCH':
      return { kind: 'box', node, parts: [{ kind: 'branches', parts: some(node.left, node.right), names: ['try', 'on failure'] }] };
    case 'WITH_UNDO':
      return { kind: 'box', node, parts: [{ kind: 'branches', parts: some(node.left, node.right), names: ['step', 'undo'] }] };
    case 'LOOP': case 'RETRY': case 'TIMEOUT': case 'MAP': {
      // Of a map the query of its items comes first.
      const parts = node.type === 'MAP' ? some(node.right, node.left) : some(node.condition, node.left, node.right);
      return parts.length ? { kind: 'box', node, parts } : { kind: 'leaf', node };
    }
    default: {
      const parts = some(node.left, node.right, node.condition, ...(node.extra ?? []));
      return parts.length ? { kind: 'box', node, parts } : { kind: 'leaf', node };
    }
  }
}

function size(it) {
  if (it.kind === 'leaf') {
    it.w = W;
    it.h = H;
    return it;
  }
  it.parts.forEach(size);
  if (it.kind === 'branches') {
    it.w = it.parts.reduce((sum, part) => sum + part.w, 0) + BETWEEN * Math.max(0, it.parts.length - 1);
    it.h = Math.max(0, ...it.parts.map((part) => part.h)) + (it.names ? 16 : 0);
  } else {
    it.w = Math.max(W, ...it.parts.map((part) => part.w));
    it.h = it.parts.reduce((sum, part) => sum + part.h, 0) + GAP * Math.max(0, it.parts.length - 1);
    if (it.kind === 'box') {
      it.w += 2 * PAD;
      it.h += HEAD + PAD + 8 + (it.node.progress ? PROGRESS : 0);
    }
  }
  return it;
}

function place(it, x, y, out) {
  it.x = x;
  it.y = y;
  if (it.kind === 'leaf') {
    out.leaves.push(it);
    return;
  }
  if (it.kind === 'box') out.boxes.push(it);
  if (it.kind === 'branches') {
    const top = it.names ? 16 : 0;
    let at = x;
    it.parts.forEach((part, i) => {
      if (it.names?.[i]) out.words.push({ x: at + part.w / 2, y: y + 10, text: it.names[i] });
      place(part, at, y + top, out);
      at += part.w + BETWEEN;
    });
    return;
  }
  let at = y + (it.kind === 'box' ? HEAD + 4 + (it.node.progress ? PROGRESS : 0) : 0);
  let before = null;
  for (const part of it.parts) {
    const left = x + (it.w - part.w) / 2;
    place(part, left, at, out);
    if (before) out.lines.push({ x: x + it.w / 2, from: before.y + before.h, to: part.y });
    before = part;
    at += part.h + GAP;
  }
}

/** What to draw: leaves and boxes with x, y, w, h and their node; lines; words; the size of all; how many nodes are not drawn. */
export function layout(list, root) {
  const nodes = new Map(list.map((node) => [node.id, node]));
  const seen = new Set();
  const tree = shape(nodes, root, seen);
  const out = { leaves: [], boxes: [], lines: [], words: [], w: 0, h: 0, left: list.length - seen.size };
  if (tree) {
    size(tree);
    place(tree, 8, 8, out);
    out.w = tree.w + 16;
    out.h = tree.h + 16;
  }
  return out;
}

/** The nodes in the order in which they are read: from the root, what comes first before what comes after; then what nothing leads to. */
export function inOrder(list, root) {
  const nodes = new Map(list.map((node) => [node.id, node]));
  const ordered = new Set();
  const stack = [root];
  while (stack.length) {
    const node = nodes.get(stack.pop());
    if (!node || ordered.has(node)) continue;
    ordered.add(node);
    stack.push(...[node.condition, node.left, node.right, ...(node.extra ?? [])].filter(Boolean).reverse());
  }
  return [...ordered, ...list.filter((node) => !ordered.has(node))];
}
