import { openStoreAt } from '../support/store-at.ts'
import { inserting, operationRow, topRow, workRequest } from '../support/store-rows.ts'

/**
 * Commits whole changes to the database named by its argument, eight at once, until it is killed; tells the name of each
 * on a line of its own once it is durable.
 */
const [place = '', run = ''] = process.argv.slice(2)
const store = await openStoreAt(place)
let last = 0

async function write(): Promise<never> {
  for (;;) {
    const name = `${run}-${last++}`
    const row = topRow(name, {
      state: 'Creating',
      doc: { properties: { fill: 'x'.repeat(2_000) } },
    })
    const { key } = row
    const committed = await store.commit(
      inserting(row, {
        takes: [`name ${name}`],
        operation: operationRow({ id: `op ${name}`, key }),
        work: [workRequest({ kind: 'Publish', subject: key })],
        counts: [{ scope: 's1', name: 'things', by: 1, limit: Number.MAX_SAFE_INTEGER }],
      }),
    )
    if (committed.is === 'done') process.stdout.write(`${name}\n`)
  }
}

await Promise.all(Array.from({ length: 8 }, write))
