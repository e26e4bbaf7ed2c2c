/**
 * Makes the static files of the wheel from those of the checkout.
 *
 *     node tools/bundle.js FOLDER
 *
 *     js/page.js                  each script that a page names, with all that it imports, as one file
 *     js/replay/begin.inline.js   the script that stands in the page of a replay itself
 *     css/…                       the same files, smaller: a page names those that it needs
 *     fonts/, icons/              as they are
 *
 * A script keeps its address, so pages are the same in both. What it imports later (`import("…")`)
 * stays a file of its own. Each script holds its own copy of what it imports: to share would cost a
 * round trip for every shared file.
 */

import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

import { build, transform } from "esbuild";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const STATIC = path.join(ROOT, "static");
/** Stands for the address of `static/`, which the server knows: `app/web/frame/rendering/inlined_assets.py` puts it in. */
const BASE = "/@static";
const INLINE = "js/replay/begin.js";
const SCRIPT = /\{\{ static_base \}\}\/(js\/[a-z_/]+\.js)/g;

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("say where: node tools/bundle.js FOLDER");
await bundle(path.resolve(folder));

/** @param {string} target  an empty folder, or one that is replaced */
async function bundle(target) {
  await rm(target, { recursive: true, force: true });
  const waiting = [INLINE, ...(await scriptsOfPages())];
  for (const name of waiting) {
    for (const later of await bundleScript(name, target)) {
      if (!waiting.includes(later)) waiting.push(later);
    }
  }
  for (const name of await filesBelow(path.join(STATIC, "css"))) await bundleStyle(name, target);
  for (const name of ["fonts", "icons"]) {
    await cp(path.join(STATIC, name), path.join(target, name), { recursive: true });
  }
}

/** The scripts that templates name, each once. */
async function scriptsOfPages() {
  const found = new Set();
  for (const name of await filesBelow(path.join(ROOT, "templates"))) {
    for (const [, script] of (await readFile(name, "utf8")).matchAll(SCRIPT)) found.add(script);
  }
  if (!found.size) throw new Error("no template names a script: did the way to name them change?");
  return found;
}

/**
 * Writes one script with all that it imports; returns what it imports later.
 *
 * @param {string} name  below `static/`
 * @param {string} target
 */
async function bundleScript(name, target) {
  const isInline = name === INLINE;
  const outfile = isInline ? name.replace(/\.js$/, ".inline.js") : name;
  /** @type {Set<string>} */
  const later = new Set();
  await build({
    entryPoints: [path.join(STATIC, name)],
    outfile: path.join(target, outfile),
    bundle: true,
    format: "esm",
    minify: true,
    target: "es2022",
    // A script in a page has no address from which its map could be found.
    sourcemap: isInline ? false : "linked",
    logLevel: "warning",
    plugins: [importsLater((imported) => later.add(imported), isInline ? null : name)],
  });
  return later;
}

/**
 * Leaves `import("…")` to the browser, with an address that is right from the bundled script.
 *
 * @param {(name: string) => void} note
 * @param {string | null} importer  the bundled script below `static/`; null if it has no address
 * @returns {import("esbuild").Plugin}
 */
function importsLater(note, importer) {
  return {
    name: "imports-later",
    setup(plugin) {
      plugin.onResolve({ filter: /^\./ }, (asked) => {
        if (asked.kind !== "dynamic-import") return undefined;
        const name = path.relative(STATIC, path.resolve(asked.resolveDir, asked.path));
        note(name);
        if (importer === null) return { path: `${BASE}/${name}`, external: true };
        const relative = path.relative(path.dirname(importer), name);
        return { path: relative.startsWith(".") ? relative : `./${relative}`, external: true };
      });
    },
  };
}

/** @param {string} file  a style sheet @param {string} target */
async function bundleStyle(file, target) {
  const sheet = await transform(await readFile(file, "utf8"), { loader: "css", minify: true });
  const place = path.join(target, path.relative(STATIC, file));
  await mkdir(path.dirname(place), { recursive: true });
  await writeFile(place, sheet.code);
}

/** @param {string} top @returns {Promise<string[]>} */
async function filesBelow(top) {
  const entries = await readdir(top, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => path.join(entry.parentPath, entry.name)).sort();
}
