import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ConfigFile } from '../src/config.ts'
import { metricTable } from '../src/telemetry/metric-table.ts'

const operate = readFileSync('docs/operate.md', 'utf8')
const rules = readFileSync('deploy/prometheus-rules.yml', 'utf8')

/** What follows a heading, up to the next one. */
function chapter(title: string): string {
  const [, after = ''] = operate.split(`\n## ${title}\n`)
  return after.split('\n## ')[0] ?? ''
}

const words = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')

const Schema = z.looseObject({
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  additionalProperties: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
})

/** Every member that the file may have: `tls.certFile`, `regions[].zones`, `spaces.*.bucket`. */
function membersOf(schema: unknown, path = ''): string[] {
  const { properties = {}, items, additionalProperties, anyOf = [] } = Schema.parse(schema)
  const below = (each: unknown, at: string) =>
    typeof each === 'object' && each !== null ? membersOf(each, at) : []
  return [
    ...Object.entries(properties).flatMap(([name, each]) => {
      const at = path === '' ? name : `${path}.${name}`
      return [at, ...below(each, at)]
    }),
    ...below(items, `${path}[]`),
    ...below(additionalProperties, `${path}.*`),
    ...anyOf.flatMap((each) => below(each, path)),
  ]
}

describe('docs/operate.md', () => {
  it('names every setting, and no other', () => {
    const members = membersOf(z.toJSONSchema(ConfigFile, { io: 'input', unrepresentable: 'any' }))
    expect(members.length).toBeGreaterThan(40)
    const rows = chapter('Settings')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
    const told = new Set(rows.flatMap((row) => words(row)))
    expect(members.filter((member) => !told.has(member))).toEqual([])
    const first = rows.flatMap((row) => words(row.split('|')[1] ?? ''))
    expect(first.filter((name) => !members.includes(name))).toEqual([])
  })

  it('says what every metric means, with its labels, and tells of no other', () => {
    const rows = chapter('Metrics')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
    const told = new Set(rows.flatMap((row) => words(row.split('|')[1] ?? '')))
    expect([...told].sort()).toEqual(Object.keys(metricTable).sort())
    for (const [name, { labels }] of Object.entries(metricTable)) {
      const row = rows.find((each) => words(each.split('|')[1] ?? '').includes(name)) ?? ''
      const missing = labels.filter((label) => !words(row.split('|')[2] ?? '').includes(label))
      expect({ name, missing }).toEqual({ name, missing: [] })
    }
  })

  it('says of every alert of the rules what it means and what to do, and tells of no other', () => {
    const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map((match) => match[1])
    const rows = chapter('Alerts')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
    expect(alerts.length).toBeGreaterThan(10)
    expect(rows.map((row) => words(row)[0])).toEqual(alerts)
    expect(rows.filter((row) => row.split(/ \| /).length < 4)).toEqual([])
  })
})

it('the rules ask only for metrics that there are', () => {
  const asked = [...rules.matchAll(/\b(vitrine_\w+)/g)].map((match) => match[1] ?? '')
  const known = (name: string) =>
    name in metricTable || name.replace(/_(count|bucket|sum)$/, '') in metricTable
  expect(asked.length).toBeGreaterThan(10)
  expect(asked.filter((name) => !known(name))).toEqual([])
})
