import { isArray, isObject } from '../client/client.ts'
import type { Json, JsonObject } from '../domain/rows.ts'
import { type Column, renderTable, renderTsv } from './table.ts'
import type { Terminal } from './terminal.ts'

/** What a command shows: a document or rows, how they look as a table, and what a person is told after that. */
export type Answer = {
  readonly value: Json
  readonly columns: readonly Column[]
  readonly note?: string
}

export const outputs = ['table', 'json', 'tsv', 'none'] as const
export type Output = (typeof outputs)[number]

/** Writes an answer in the wanted form. Documents look as az shows them: `properties` lie at the top. */
export function writeAnswer(answer: Answer, output: Output, terminal: Terminal): void {
  const flat = isArray(answer.value) ? answer.value.map(flatten) : flatten(answer.value)
  if (output === 'none') return
  if (output === 'json') {
    terminal.write(`${JSON.stringify(flat, null, 2)}\n`)
    return
  }
  const rows = (isArray(flat) ? flat : [flat]).filter(isObject)
  const lines =
    output === 'tsv' ? renderTsv(rows, answer.columns) : renderTable(rows, answer.columns, terminal)
  if (lines.some((line) => line !== '')) terminal.write(`${lines.join('\n')}\n`)
}

/** A resource with its properties at the top level and its resource group beside its id, as az prints it. */
export function flatten(document: Json): Json {
  if (!isObject(document)) return document
  const { properties, ...envelope } = document
  if (!isObject(properties)) return document
  const group = /\/resourceGroups\/([^/]+)/i.exec(String(document.id ?? ''))?.[1]
  const placed: JsonObject = group === undefined ? {} : { resourceGroup: group }
  return { ...envelope, ...properties, ...placed }
}
