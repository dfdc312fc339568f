import type { CompiledQuery, QueryResult } from 'kysely'
import type { Db } from './schema.ts'

/** Stands in a built query where a value goes when it runs. */
type Slot = { readonly slot: string }

/**
 * A query that is built once and run with other values: building costs more than a point read. `build` is called at the
 * first run, with a stand-in for each value, and must not look at them; later runs give the same members.
 */
export function prepared<Values extends object, Row>(
  db: Db,
  build: (values: Values) => { compile(): CompiledQuery<Row> },
) {
  let compiled: CompiledQuery<Row> | undefined
  return (values: Values): Promise<QueryResult<Row>> => {
    compiled ??= build(slotsFor(values)).compile()
    const parameters = compiled.parameters.map((each) =>
      isSlot(each) ? Reflect.get(values, each.slot) : each,
    )
    return db.run<Row>({ ...compiled, parameters })
  }
}

const listMax = 8

/** The same for a query over a list of texts: lists up to `longest` are built once for each length. */
export function preparedList<Row>(
  db: Db,
  build: (texts: readonly string[]) => { compile(): CompiledQuery<Row> },
  longest = listMax,
) {
  const byLength = new Map<number, (texts: readonly string[]) => Promise<QueryResult<Row>>>()
  return (texts: readonly string[]): Promise<QueryResult<Row>> => {
    if (texts.length > longest) return db.run(build(texts).compile())
    const run =
      byLength.get(texts.length) ??
      prepared(db, (slots: readonly string[]) => build(Object.values(slots)))
    byLength.set(texts.length, run)
    return run(texts)
  }
}

function slotsFor<Values extends object>(values: Values): Values {
  const slots = Object.keys(values).map((slot) => [slot, { slot } satisfies Slot])
  // Kysely passes parameters through unread, so a stand-in may have any type.
  return Object.fromEntries(slots)
}

function isSlot(value: unknown): value is Slot {
  return typeof value === 'object' && value !== null && 'slot' in value
}
