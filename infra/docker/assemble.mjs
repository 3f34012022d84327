/**
 * Puts together what one image of each app (and of tools/compose) holds, while images are built:
 *
 *     assemble.mjs packages OUT    OUT/apps/cart/node_modules/…: the npm packages cart needs to run, directly or not
 *     assemble.mjs compiled OUT    OUT/apps/cart/…: its own compiled code and that of the workspace's libraries it needs
 *
 * One `npm ci` for the whole workspace is read with npm's own Arborist: `npm ci --workspace` would give each its own
 * install, in which the devDependencies of linked workspaces count as production's.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';

const [mode, out] = process.argv.slice(2);
const root = process.cwd();
const Arborist = createRequire(join(execFileSync('npm', ['root', '-g'], { encoding: 'utf8' }).trim(), 'npm', 'package.json'))(
  '@npmcli/arborist',
);
const tree = await new Arborist({ path: root }).loadActual();

const projects = [...readdirSync('apps').map((name) => `apps/${name}`), 'tools/compose'].filter((project) =>
  existsSync(join(project, 'package.json')),
);
const closures = new Map(projects.map((project) => [project, closureOf(project)]));
if (mode === 'packages') packages();
else for (const [project, nodes] of closures) compiled(project, nodes);

/** Each package is copied once, into a pool, and linked from there into every project that needs it. */
function packages() {
  const pool = join(out, 'pool');
  const unused = /\.(d\.[cm]?ts|map|md|markdown)$/;
  for (const { path, location } of new Set([...closures.values()].flatMap((nodes) => [...nodes].filter((node) => !node.isWorkspace)))) {
    const nested = join(path, 'node_modules');
    cpSync(path, join(pool, location), { recursive: true, filter: (file) => file !== nested && !unused.test(file) });
  }
  for (const [project, nodes] of closures) {
    const target = join(out, project);
    mkdirSync(target, { recursive: true });
    const locations = [...nodes].filter((node) => !node.isWorkspace).map((node) => node.location);
    // Those inside another one come with it.
    const outer = locations.filter((location) => location.lastIndexOf('node_modules/') === location.indexOf('node_modules/'));
    execFileSync('cp', ['-al', '--parents', '-t', resolve(target), ...outer], { cwd: pool });
  }
}

function compiled(project, nodes) {
  const target = join(out, project);
  for (const node of nodes) if (node.isWorkspace) copyCompiled(node, target);
  if (project.startsWith('apps/')) writeFileSync(join(target, 'main.mjs'), `import './${project}/dist/src/main.js';\n`);
}

/** All that a workspace needs at run time. What is optional is left out: it must do without, and here it does (docs/guides/compose.md). */
function closureOf(project) {
  const start = [...tree.inventory.values()].find((node) => node.location === project && !node.isLink);
  if (!start) throw new Error(`${project} is no workspace`);
  const reached = new Set();
  const visit = (node) => {
    if (reached.has(node)) return;
    reached.add(node);
    for (const { type, to, name } of node.edgesOut.values()) {
      if (type === 'dev' || type === 'peerOptional') continue;
      // Optional for one processor: the binary of the package that names it (argon2's), without which it does nothing.
      if (type === 'optional' && !to?.package.cpu) continue;
      if (!to) throw new Error(`${node.name} needs ${name}, which is not installed`);
      visit(to.isLink ? to.target : to);
    }
  };
  visit(start);
  return reached;
}

function copyCompiled(node, target) {
  const wanted = (path) => !/\.(d\.ts|d\.ts\.map|tsbuildinfo)$/.test(path);
  cpSync(join(node.path, 'package.json'), join(target, node.location, 'package.json'));
  cpSync(join(node.path, 'dist'), join(target, node.location, 'dist'), { recursive: true, filter: wanted });
  const link = join(target, 'node_modules', node.packageName);
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(relative(dirname(link), join(target, node.location)), link);
}
