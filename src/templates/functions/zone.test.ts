import { expect, it } from 'vitest'
import { valueOfExpression } from '../../../test/support/template-input.ts'
import type { Json } from '../../domain/rows.ts'

it.each([
  ["pickZones('Microsoft.Compute', 'virtualMachines', 'West Europe')", ['1']],
  ["pickZones('Microsoft.Compute', 'virtualMachines', 'westeurope', 3)", ['1', '2', '3']],
  ["pickZones('Microsoft.Compute', 'disks', 'westeurope', 1, 2)", ['3']],
  ["pickZones('Microsoft.Compute', 'virtualMachines', 'westus')", []],
  ["pickZones('Microsoft.Cdn', 'profiles', 'westeurope')", []],
  ["toLogicalZone('s', 'westeurope', 'westeurope-az2')", '2'],
  ["toLogicalZone('s', 'westus', 'westus-az2')", ''],
  ["toLogicalZones('s', 'westeurope', createArray('westeurope-az1', 'x'))", ['1', '']],
  ["toLogicalZones('s', 'westeurope', createArray())", []],
  ["toPhysicalZone('s', 'West Europe', '1')", 'westeurope-az1'],
  ["toPhysicalZones('s', 'westeurope', createArray('1', '4'))", ['westeurope-az1', '']],
] satisfies [string, Json][])('%s gives what Azure’s gives', (expression, value) => {
  expect(valueOfExpression(`[${expression}]`)).toEqual(value)
})

it.each([
  ["pickZones('Microsoft.Compute', 'disks', 'westeurope', 4)", "between '1' and '3'"],
  ["pickZones('Microsoft.Compute', 'disks', 'westeurope', 2, 2)", "has '3' zones only"],
])('%s is refused: %s', (expression, why) => {
  expect(() => valueOfExpression(`[${expression}]`)).toThrow(why)
})
