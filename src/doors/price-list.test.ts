import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { readConfig, settingsOf } from '../config.ts'
import { readPrices } from './price-list.ts'

async function fileWith(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-prices-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'prices.json')
  await writeFile(path, text)
  return path
}

it('R100 the examples price every region of an installation that names none, and say where prices are', async () => {
  const prices = await readPrices(undefined)
  const { regions } = settingsOf(await readConfig(undefined))
  const tariff = prices.at(0)
  for (const { name, zones } of regions.all) {
    const types = ['Standard_LRS', 'Premium_LRS', ...(zones.length > 0 ? ['Standard_ZRS'] : [])]
    for (const type of types as ('Standard_LRS' | 'Standard_ZRS' | 'Premium_LRS')[]) {
      expect(tariff.storage(name, type), `${type} in ${name}`).toBeGreaterThan(0)
    }
    for (const { name: to } of regions.all) expect(tariff.egress(name, to)).toBeGreaterThan(0)
  }
  expect(prices.links.join()).toMatch(/managed-disks.*bandwidth/)
})

it('a list that is none is refused at the start, naming the file and the member', async () => {
  await expect(readPrices('/nowhere/prices.json')).rejects.toThrow(/\/nowhere\/prices.json/)
  await expect(readPrices(await fileWith('{'))).rejects.toThrow(/it is not JSON/)
  const wrong = {
    currency: 'dollars',
    storage: { westeurope: { Standard_LRS: -1 } },
    changes: [{ from: 'soon' }],
  }
  await expect(readPrices(await fileWith(JSON.stringify(wrong)))).rejects.toThrow(
    /prices.json are not right:.*at currency.*at storage.westeurope.Standard_LRS.*at changes\[0\].from/s,
  )
})
