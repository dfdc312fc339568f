import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { StartError } from '../base/start-error.ts'
import { openPrices, PriceList, type Prices } from '../views/prices.ts'

const examples = new URL('./example-prices.json', import.meta.url)

/** The price list of a file (JSON); without one, the examples. Throws StartError with the path of each wrong member. */
export async function readPrices(file: string | undefined): Promise<Prices> {
  const path = file ?? fileURLToPath(examples)
  const read = PriceList.safeParse(await jsonOf(path))
  if (read.success) return openPrices(read.data)
  throw new StartError(`The prices of ${path} are not right:\n${z.prettifyError(read.error)}`)
}

async function jsonOf(path: string): Promise<unknown> {
  try {
    // Editors on Windows begin a file with a byte order mark.
    return JSON.parse((await readFile(path, 'utf8')).replace(/^\uFEFF/, ''))
  } catch (error) {
    const why = error instanceof SyntaxError ? `it is not JSON: ${error.message}` : String(error)
    throw new StartError(`The price list ${path} (setting prices) cannot be read: ${why}.`, {
      cause: error,
    })
  }
}
