import { expect, it } from 'vitest'
import { valueOfExpression } from '../../../test/support/template-input.ts'
import type { Json } from '../../domain/rows.ts'

it.each([
  [
    "parseCidr('10.144.0.0/20')",
    {
      network: '10.144.0.0',
      netmask: '255.255.240.0',
      broadcast: '10.144.15.255',
      firstUsable: '10.144.0.1',
      lastUsable: '10.144.15.254',
      cidr: 20,
    },
  ],
  [
    "parseCidr('fdad:3236:5555::/48')",
    {
      network: 'fdad:3236:5555::',
      netmask: 'ffff:ffff:ffff::',
      firstUsable: 'fdad:3236:5555::',
      lastUsable: 'fdad:3236:5555:ffff:ffff:ffff:ffff:ffff',
      cidr: 48,
    },
  ],
  ["parseCidr('10.144.3.7/20').network", '10.144.0.0'],
  ["parseCidr('10.0.0.7/32').lastUsable", '10.0.0.7'],
  ["parseCidr('0.0.0.0/0').broadcast", '255.255.255.255'],
  [
    "map(range(0, 5), lambda('i', cidrSubnet('10.144.0.0/20', 24, lambdaVariables('i'))))",
    ['10.144.0.0/24', '10.144.1.0/24', '10.144.2.0/24', '10.144.3.0/24', '10.144.4.0/24'],
  ],
  ["cidrSubnet('fdad:3236:5555::/48', 52, 0)", 'fdad:3236:5555::/52'],
  ["cidrSubnet('fdad:3236:5555::/48', 52, 4)", 'fdad:3236:5555:4000::/52'],
  [
    "map(range(0, 5), lambda('i', cidrHost('10.144.3.0/24', lambdaVariables('i'))))",
    ['10.144.3.1', '10.144.3.2', '10.144.3.3', '10.144.3.4', '10.144.3.5'],
  ],
  ["cidrHost('fdad:3236:5555:3000::/52', 0)", 'fdad:3236:5555:3000::1'],
  ["cidrHost('fdad:3236:5555:3000::/52', 4)", 'fdad:3236:5555:3000::5'],
] satisfies [string, Json][])('%s gives what Azure’s gives', (expression, value) => {
  expect(valueOfExpression(`[${expression}]`)).toEqual(value)
})

it.each([
  ["parseCidr('10.0.0.0')", 'no network in CIDR notation'],
  ["parseCidr('10.0.0.0/33')", 'no network in CIDR notation'],
  ["cidrSubnet('10.0.0.0/20', 19, 0)", "between '20' and '32'"],
  ["cidrSubnet('10.0.0.0/20', 24, 16)", "between '0' and '15'"],
  ["cidrHost('10.0.0.0/30', 2)", 'no usable address'],
  ["cidrHost('10.0.0.0/32', 0)", 'no usable address'],
])('%s is refused: %s', (expression, why) => {
  expect(() => valueOfExpression(`[${expression}]`)).toThrow(why)
})
