import type { Evolution } from './declaration.ts'
import { valueAt, withoutPath, withValueAt } from './paths.ts'

const path = 'properties.accountType'

/** Before this version a disk or a storage account says as `properties.accountType` what later is `sku.name`. */
export function skuWasAccountType(before: string): Evolution['moves'][number] {
  return {
    before,
    up(body) {
      const name = valueAt(body, path)
      const { sku: _, ...others } = withoutPath(body, path)
      return name === undefined ? others : { ...others, sku: { name } }
    },
    down(body) {
      const name = valueAt(body, 'sku.name')
      const { sku: _, ...others } = body
      return name === undefined ? others : withValueAt(others, path, name)
    },
  }
}
