import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, matchesGlob, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { armErrors } from '../src/domain/errors.ts'

/** The house: which folder of `src` may import which. A new arrow needs an ADR.
 * `doors` and the files of `src` itself are the composition root. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  domain: ['base'],
  resources: ['base', 'domain'],
  blobs: ['base', 'domain'],
  formats: ['base', 'domain'],
  store: ['base', 'domain'],
  chunks: ['base', 'domain', 'blobs'],
  regions: ['base', 'domain', 'blobs', 'formats', 'chunks'],
  imports: ['base', 'domain', 'regions'],
  runner: ['base', 'domain', 'store'],
  access: ['base', 'domain'],
  identity: ['base', 'domain'],
  templates: ['base', 'domain'],
  deployments: ['base', 'domain', 'resources', 'providers', 'store', 'runner', 'templates'],
  providers: ['base', 'domain', 'resources', 'store'],
  views: ['base', 'domain', 'resources', 'store'],
  work: ['base', 'domain', 'resources', 'store', 'runner', 'formats', 'regions', 'imports'],
  'api/arm': [
    'base',
    'domain',
    'resources',
    'providers',
    'views',
    'access',
    'deployments',
    'templates',
  ],
  'api/peer': ['base', 'domain', 'blobs'],
  'api/signin': ['base', 'domain', 'identity'],
  'api/storage': [
    'base',
    'domain',
    'resources',
    'access',
    'store',
    'formats',
    'regions',
    'api/arm',
  ],
  'api/blob': [
    'base',
    'domain',
    'resources',
    'access',
    'store',
    'regions',
    'providers',
    'api/storage',
  ],
  'api/graph': ['base', 'domain', 'access'],
  'api/feed': ['base', 'domain'],
  offline: [
    'base',
    'domain',
    'blobs',
    'chunks',
    'identity',
    'providers',
    'regions',
    'resources',
    'store',
    'config.ts',
    'data-folder.ts',
    'database.ts',
    'space-address.ts',
  ],
  telemetry: ['base', 'domain', 'blobs', 'store', 'regions', 'runner'],
  client: ['base', 'domain', 'formats', 'chunks'],
  cli: ['base', 'domain', 'client'],
}

const fileLinesMax = 400
const bannedNames = /(Manager|Service|Helper|Util|Factory)\b/

const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && !path.startsWith('test/golden/'))
const sources = tracked.filter((path) => /^(src|test|bench)\/.*\.ts$/.test(path))
const read = (path: string): string => readFileSync(path, 'utf8')

function roomOf(path: string): string {
  const [, first = '', second = ''] = path.split('/')
  return first === 'api' ? `api/${second}` : first
}

function importsOf(path: string): string[] {
  const found = read(path).matchAll(/(?:from|import)\s+'(\.[^']+)'/g)
  return [...found].map((match) => normalize(join(dirname(path), match[1] ?? '')))
}

describe('the house is in order', () => {
  it('finds the files that it judges', () => {
    expect(sources.length).toBeGreaterThan(60)
    expect(sources.some((path) => path.startsWith('src/providers/'))).toBe(true)
  })

  it('every import follows the table of rooms', () => {
    const rooms = sources.filter(
      (path) =>
        /^src\/[^/]+\//.test(path) && roomOf(path) !== 'doors' && !path.endsWith('.test.ts'),
    )
    const wrong = rooms.flatMap((path) =>
      importsOf(path)
        .filter((target) => target.startsWith('src/'))
        .map((target) => ({ from: roomOf(path), to: roomOf(target) }))
        .filter(({ from, to }) => from !== to && !(mayImport[from] ?? []).includes(to))
        .map(({ from, to }) => `${path}: ${from} → ${to}`),
    )
    expect(wrong).toEqual([])
  })

  it('no file is longer than its bound', () => {
    const long = sources.filter((path) => read(path).split('\n').length > fileLinesMax)
    expect(long).toEqual([])
  })

  it('the world comes in as a parameter', () => {
    const roots = ['src/config.ts', 'src/world.ts', 'src/main.ts', 'src/serve.ts']
    const inner = sources.filter(
      (path) => path.startsWith('src/') && !path.endsWith('.test.ts') && !roots.includes(path),
    )
    const worldly = /\bDate\.now\(|\bMath\.random\(|\brandomUUID\(|\bprocess\.env\b/
    const allowed = inner.filter((path) => !path.startsWith('src/cli/'))
    expect(allowed.filter((path) => worldly.test(read(path)))).toEqual([])
  })

  it('nothing is called a manager, and nothing is left undone', () => {
    const unfinished = new RegExp(['TO', 'DO|FIX', 'ME|not impl', 'emented'].join(''))
    const bad = sources.filter((path) => unfinished.test(read(path)))
    const named = sources.filter((path) =>
      [...read(path).matchAll(/export (?:function|const|type|class) (\w+)/g)].some((match) =>
        bannedNames.test(match[1] ?? ''),
      ),
    )
    expect({ bad, named }).toEqual({ bad: [], named: [] })
  })

  it('every error code stands in docs/errors.md with its status and meaning, and no other does', () => {
    const rows = [...read('docs/errors.md').matchAll(/^\| `(\w+)` \| (\d{3}) \| (.+) \|$/gm)]
    const told = Object.fromEntries(
      rows.map(([, code = '', status, means = '']) => [code, { status: Number(status), means }]),
    )
    expect(told).toEqual(armErrors)
  })

  it('every path and every test that ARCHITECTURE.md names is there', () => {
    const [, told = '', invariants = ''] = read('ARCHITECTURE.md').split(
      /^## (?:Where|Invariants).*$/m,
    )
    const lost = told.split('\n').flatMap((row) => {
      let folder = ''
      return [...row.matchAll(/`([\w/.*-]+\.ts)`/g)].flatMap(([, name = '']) => {
        const fits = (path: string) => matchesGlob(path, `src/${name}`)
        const beside = (path: string) => path === `${folder}/${name}`
        const found = tracked.find(fits) ?? tracked.find(beside)
        if (found) folder = dirname(found)
        return found ? [] : [name]
      })
    })
    const promises = [
      ...invariants.matchAll(/`((?:src|test)\/[\w/.-]+\.ts)`((?:,? \([^|`]+?\)(?=,| \|))*)/g),
    ]
    const broken = promises.flatMap(([, path = '', names = '']) => {
      const held = tracked.includes(path) ? read(path) : ''
      const all = [...names.matchAll(/ \((.+?)\)(?=, \(|$)/g)].map(([, name = '']) => name)
      const missing = all.filter(
        (name) => !held.includes(name.split('…')[0]?.replace(/[ :]+$/, '') ?? ''),
      )
      return held === '' ? [path] : missing
    })
    expect({ lost, broken }).toEqual({ lost: [], broken: [] })
    expect(promises.length).toBeGreaterThan(40)
  })

  it('every document has one title', () => {
    const documents = tracked.filter((path) => path.endsWith('.md'))
    const titles = (path: string) =>
      read(path)
        .replace(/```[\s\S]*?```/g, '')
        .match(/^# /gm) ?? []
    expect(documents.length).toBeGreaterThan(3)
    expect(documents.filter((path) => titles(path).length !== 1)).toEqual([])
  })

  it('the lock file names no registry host', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved"/)
  })
})
