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
  await expect(readPrices(await fileWith('{\n  "currency": "EUR",\n}'))).rejects.toThrow(
    /it is not JSON: .*line 3 column 1/,
  )
  const wrong = {
    currency: 'dollars',
    storage: { westeurope: { Standard_LRS: -1 } },
    changes: [{ from: 'soon' }],
  }
  await expect(readPrices(await fileWith(JSON.stringify(wrong)))).rejects.toThrow(
    /prices.json are not right:.*at currency.*at storage.westeurope.Standard_LRS.*at changes\[0\].from/s,
  )
})

it('a price that is said twice, or in no form that there is, is refused with what to do', async () => {
  const said = async (more: object) => {
    const list = { currency: 'EUR', storage: {}, egress: {}, ...more }
    return readPrices(await fileWith(`\uFEFF${JSON.stringify(list)}`))
  }
  const twice = { 'West Europe': 0.1, westeurope: 0.2 }
  await expect(
    said({ egress: { westeurope: { price: 1, to: { eastus: 0.1 } } } }),
  ).resolves.toBeDefined()
  await expect(said({ egress: twice })).rejects.toThrow(
    /'westeurope' and 'West Europe' are one region: keep one of them.*at egress.westeurope/s,
  )
  await expect(said({ storage: { EastUS: {}, 'East US': {} } })).rejects.toThrow(/are one region/)
  await expect(said({ egress: { eastus: '0.05' } })).rejects.toThrow(
    /a price is a number such as 0.05.*at egress.eastus/s,
  )
  const day = { from: '2027-01-01' }
  await expect(said({ changes: [day, day] })).rejects.toThrow(
    /two changes are of one day.*at changes/s,
  )
})
