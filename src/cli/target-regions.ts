import type { JsonObject } from '../domain/rows.ts'
import { UsageError } from './usage-error.ts'

const storageTypes = ['Standard_LRS', 'Standard_ZRS', 'Premium_LRS', 'PremiumV2_LRS']

/**
 * One value of `--target-regions`: `region`, `region=replicas`, `region=storage-type` or `region=replicas=storage-type`.
 * Which regions and counts are allowed is the server's to say. Throws UsageError.
 */
export function parseTargetRegion(text: string): JsonObject {
  const [name = '', ...rest] = text.split('=').map((part) => part.trim())
  if (name === '' || rest.length > 2 || rest.includes('')) throw malformed(text)
  const [first, second] = rest
  if (first === undefined) return { name }
  if (/^\d{1,9}$/.test(first)) {
    const counted = { name, regionalReplicaCount: Number(first) }
    return second === undefined
      ? counted
      : { ...counted, storageAccountType: storageType(second, text) }
  }
  if (second !== undefined) throw malformed(text)
  return { name, storageAccountType: storageType(first, text) }
}

/** The proper spelling of a storage type in any case. Throws UsageError. */
function storageType(type: string, text: string): string {
  const found = storageTypes.find((one) => one.toLowerCase() === type.toLowerCase())
  if (found !== undefined) return found
  throw new UsageError(
    `--target-regions '${text}': '${type}' is not a storage type; take one of ${storageTypes.join(', ')}.`,
  )
}

function malformed(text: string): UsageError {
  return new UsageError(
    `--target-regions '${text}' is not understood; write region, region=replicas or region=replicas=storage-type, ` +
      'e.g. westeurope=2=standard_zrs northeurope=1 eastus.',
  )
}

export const storageTypeChoices: readonly string[] = storageTypes
