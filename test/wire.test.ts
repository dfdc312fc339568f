import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

it('every deviation of docs/wire.md names tests that exist', () => {
  const rows = readFileSync('docs/wire.md', 'utf8')
    .split('\n')
    .filter((line) => /^\| .+ \| .+ \| `/.test(line))
  const titles = rows.flatMap((row) => [...(row.split(' | ').at(-1) ?? '').matchAll(/`([^`]+)`/g)])
  const files = execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '*.test.ts'],
    {
      encoding: 'utf8',
    },
  )
  const tests = files
    .split('\n')
    .filter((path) => path !== '')
    .map((path) => readFileSync(path, 'utf8'))
  expect(rows.length).toBeGreaterThan(30)
  const missing = titles
    .map((title) => title[1] ?? '')
    .filter((title) => !tests.some((text) => text.includes(title)))
  expect(missing).toEqual([])
})
