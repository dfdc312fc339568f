// `npm test`: sets up, then checks types, lint, dead code and tests. `--system` runs what is left to `.ci/run`: processes that
// die, what is mended, PostgreSQL, and what needs system packages, which that installs. Ends with `N passed, N failed`.
// Plain JavaScript: it starts on any Node from 20 on.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { node, root, setup, setupAzurite } from './setup.mjs'

const system = process.argv.includes('--system')
const reports = mkdtempSync(join(tmpdir(), 'vitrine-reports-'))
/** What failed, each a name and why. It is told at the end. */
const failures = []
let passed = 0

function run(name, args, env = {}) {
  console.log(`\n== ${name}`)
  const options = { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } }
  const { status } = spawnSync(node(), args, options)
  return status === 0
}

function check(name, args) {
  if (run(name, args)) passed += 1
  else failures.push({ name, errors: [] })
}

/** All projects in one run, so that one waits while another computes. */
function tests(projects) {
  const name = `tests: ${projects.join(', ')}`
  const report = join(reports, `${projects[0]}.json`)
  const args = projects.flatMap((project) => ['--project', project])
  const reporters = ['--reporter=default', '--reporter=./scripts/report.mjs']
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...args, ...reporters]
  const ended = run(name, vitest, { VITRINE_TEST_REPORT: report })
  const told = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined
  passed += told?.passed ?? 0
  failures.push(...(told?.failures ?? []))
  // A run that broke, of which nothing is told, has failed all the same.
  if (!(ended || told?.failures.length)) failures.push({ name, errors: [] })
}

setup()
setupAzurite()
if (!system) {
  check('types', ['node_modules/typescript/bin/tsc', '-p', '.'])
  check('lint and format', ['node_modules/@biomejs/biome/bin/biome', 'ci', '.'])
  check('dead code', ['node_modules/knip/bin/knip.js'])
  tests(['unit', 'contract'])
  console.log(
    '\nLeft to .ci/run: processes killed at any instant, recovery from damage and loss, data of older schemas and from elsewhere, store and contracts on PostgreSQL; and, with what it installs for them, tests against qemu-img, full and broken file systems, az, S3.',
  )
} else {
  tests(['crash', 'recovery', 'contract-postgres', 'crash-postgres'])
  tests(['system'])
}
rmSync(reports, { recursive: true, force: true })
for (const { name, errors } of failures) {
  console.log(`\nFAILED ${name}`)
  for (const error of errors) console.log(error.replace(/^/gm, '  '))
}
console.log(`\n${passed} passed, ${failures.length} failed`)
process.exit(failures.length === 0 ? 0 : 1)
