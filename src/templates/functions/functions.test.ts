import { describe, expect, it } from 'vitest'
import { group, subscription, valueOfExpression } from '../../../test/support/template-input.ts'
import type { Json } from '../../domain/rows.ts'

/** Expressions with what they give, by the function that each shows; most are of Azure's own documentation. */
const given: Readonly<Record<string, readonly (readonly [expression: string, value: Json])[]>> = {
  array: [
    ['array(1)', [1]],
    ["array(createArray('a'))", ['a']],
  ],
  coalesce: [["coalesce(null(), '', 'b')", '']],
  concat: [
    ["concat('a', 1, true(), null())", 'a1True'],
    ['concat(createArray(1), createArray(2, 3))', [1, 2, 3]],
  ],
  contains: [
    ["contains('OneTwo', 'e')", true],
    ["contains('OneTwo', 'E')", false],
    ["contains(createObject('One', 1), 'one')", true],
    ["contains(createArray('a', createArray(1)), createArray(1))", true],
  ],
  createArray: [['createArray()', []]],
  empty: [
    ["empty('')", true],
    ['empty(createObject())', true],
    ['empty(createArray(1))', false],
  ],
  first: [
    ["first('One')", 'O'],
    ['first(createArray())', null],
  ],
  flatten: [['flatten(createArray(createArray(1), createArray(2)))', [1, 2]]],
  indexFromEnd: [['indexFromEnd(createArray(1, 2, 3), 1)', 3]],
  indexOf: [
    ["indexOf('test', 't')", 0],
    ["indexOf('abcdef', 'CD')", 2],
    ["indexOf('abcdef', 'z')", -1],
    ["indexOf(createArray('a', 'b'), 'b')", 1],
  ],
  intersection: [
    ['intersection(createArray(1, 2, 3), createArray(2, 3), createArray(3))', [3]],
    [`intersection(json('{"one":"a","two":"b"}'), json('{"one":"a","two":"z"}'))`, { one: 'a' }],
  ],
  last: [['last(createArray(1, 2))', 2]],
  lastIndexOf: [["lastIndexOf('test', 't')", 3]],
  length: [
    ["length('abc')", 3],
    ["length(createObject('a', 1))", 1],
  ],
  max: [['max(createArray(0, 3, 2))', 3]],
  min: [['min(0, -3, 2)', -3]],
  range: [['range(5, 3)', [5, 6, 7]]],
  skip: [
    ['skip(createArray(1, 2, 3), 2)', [3]],
    ["skip('one two', 4)", 'two'],
  ],
  take: [
    ['take(createArray(1, 2, 3), 2)', [1, 2]],
    ["take('one two', 3)", 'one'],
    ["take('one', 9)", 'one'],
  ],
  tryGet: [
    ["tryGet(createObject('a', createObject('b', 1)), 'A', 'b')", 1],
    ["tryGet(createObject(), 'a', 'b')", null],
    ['tryGet(createArray(1), 4)', null],
  ],
  tryIndexFromEnd: [['tryIndexFromEnd(createArray(1), 5)', null]],
  union: [
    ['union(createArray(1, 2), createArray(2, 3))', [1, 2, 3]],
    [
      `union(json('{"a":{"x":1,"l":[1]},"b":1}'), json('{"A":{"y":2,"l":[2]},"b":2}'))`,
      { a: { x: 1, l: [2], y: 2 }, b: 2 },
    ],
  ],
  createObject: [["createObject('a', 1, 'b', null())", { a: 1, b: null }]],
  items: [
    [
      `items(json('{"b":1,"A":2}'))`,
      [
        { key: 'A', value: 2 },
        { key: 'b', value: 1 },
      ],
    ],
  ],
  json: [
    ["json('[1, null]')", [1, null]],
    ["json('null')", null],
  ],
  objectKeys: [[`objectKeys(json('{"b":1,"a":2}'))`, ['a', 'b']]],
  shallowMerge: [
    [
      `shallowMerge(createArray(json('{"a":{"x":1}}'), json('{"a":{"y":1},"b":2}')))`,
      { a: { y: 1 }, b: 2 },
    ],
  ],
  map: [
    ["map(createArray(1, 2), lambda('x', mul(lambdaVariables('x'), 2)))", [2, 4]],
    [
      "map(createArray('a', 'b'), lambda('x', 'i', format('{0}{1}', lambdaVariables('x'), lambdaVariables('i'))))",
      ['a0', 'b1'],
    ],
  ],
  filter: [["filter(range(0, 5), lambda('x', greater(lambdaVariables('x'), 2)))", [3, 4]]],
  reduce: [
    [
      "reduce(range(1, 4), 0, lambda('s', 'x', add(lambdaVariables('s'), lambdaVariables('x'))))",
      10,
    ],
  ],
  sort: [
    [
      "sort(createArray(3, 1, 2), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))",
      [1, 2, 3],
    ],
  ],
  toObject: [
    [
      "toObject(createArray('a', 'b'), lambda('x', lambdaVariables('x')), lambda('x', toUpper(lambdaVariables('x'))))",
      { a: 'A', b: 'B' },
    ],
  ],
  groupBy: [
    [
      "groupBy(createArray('ab', 'ac', 'b'), lambda('x', first(lambdaVariables('x'))))",
      { a: ['ab', 'ac'], b: ['b'] },
    ],
  ],
  mapValues: [
    ["mapValues(createObject('a', 1), lambda('x', add(lambdaVariables('x'), 1)))", { a: 2 }],
  ],
  equals: [
    ["equals('a', 'A')", false],
    [`equals(json('{"a":1,"b":2}'), json('{"b":2,"a":1}'))`, true],
    ["equals(1, '1')", false],
  ],
  less: [["less('a', 'b')", true]],
  lessOrEquals: [['lessOrEquals(1, 1)', true]],
  greater: [['greater(2, 1)', true]],
  greaterOrEquals: [["greaterOrEquals('a', 'B')", false]],
  and: [
    ['and(true(), false())', false],
    ["and(false(), bool('nonsense'))", false],
  ],
  or: [["or(true(), bool('nonsense'))", true]],
  not: [['not(false())', true]],
  bool: [
    ["bool('TRUE')", true],
    ['bool(0)', false],
  ],
  if: [["if(true(), 'yes', bool('nonsense'))", 'yes']],
  null: [['null()', null]],
  add: [['add(5, 3)', 8]],
  sub: [['sub(7, 3)', 4]],
  mul: [['mul(5, -3)', -15]],
  div: [
    ['div(8, 3)', 2],
    ['div(-8, 3)', -2],
  ],
  mod: [['mod(-7, 3)', -1]],
  int: [["int('-04')", -4]],
  float: [["float('3.5')", 3.5]],
  base64: [["base64('one, two, three')", 'b25lLCB0d28sIHRocmVl']],
  base64ToString: [["base64ToString('b25lLCB0d28sIHRocmVl')", 'one, two, three']],
  base64ToJson: [['base64ToJson(base64(\'{"one":"a"}\'))', { one: 'a' }]],
  dataUri: [["dataUri('Hello')", 'data:text/plain;charset=utf8;base64,SGVsbG8=']],
  dataUriToString: [
    ["dataUriToString('data:;base64,SGVsbG8sIFdvcmxkIQ==')", 'Hello, World!'],
    ["dataUriToString('data:,a%20b')", 'a b'],
  ],
  endsWith: [["endsWith('abcdef', 'EF')", true]],
  startsWith: [["startsWith('abcdef', 'A')", true]],
  format: [
    [
      "format('{0}, {1}. Formatted number: {2:N0}', 'Hello', 'User', 8175133)",
      'Hello, User. Formatted number: 8,175,133',
    ],
    ["format('{0:D3}|{0,4}|{0,-3}|{0:X2}|{{}}', 7)", '007|   7|7  |07|{}'],
    ["format('{0:000}', 12)", '012'],
    ["format('{0}', createArray('a'))", "['a']"],
  ],
  guid: [["guid('a', 'b', 'c')", 'a98fa280-e03f-5afa-8d8e-92d0a9c201e8']],
  join: [["join(createArray('a', 'b'), '-')", 'a-b']],
  padLeft: [["padLeft(123, 10, '0')", '0000000123']],
  replace: [["replace('a.b.c', '.', '$&')", 'a$&b$&c']],
  split: [
    ["split('one,two', ',')", ['one', 'two']],
    ["split('one;two,three', createArray(',', ';'))", ['one', 'two', 'three']],
    ["split(',a,,b.*c', createArray(',', '.*', '', ','))", ['', 'a', '', 'b', 'c']],
    ["split('xabcyabz', createArray('ab', 'abc', 'yab'))", ['x', 'c', 'z']],
    ["split('xabcyabz', createArray('abc', 'ab'))", ['x', 'y', 'z']],
    ["split('aaa', 'aa')", ['', 'a']],
  ],
  string: [
    ['string(1)', '1'],
    ["string(createObject('a', createArray(1)))", '{"a":[1]}'],
    ['string(true())', 'True'],
  ],
  substring: [
    ["substring('one two three', 4, 3)", 'two'],
    ["substring('one two', 4)", 'two'],
  ],
  toLower: [["toLower('One')", 'one']],
  toUpper: [["toUpper('One')", 'ONE']],
  trim: [["trim('  a ')", 'a']],
  uniqueString: [
    ["uniqueString('')", 'aaaaaaaaaaaaa'],
    ["uniqueString('test')", 'rbgf3xv4ufgzg'],
    ["uniqueString('tyeth')", 'zcztcwvu6iyg6'],
  ],
  uri: [
    [
      "uri('http://contoso.org/firstpath/azuredeploy.json', 'myscript.sh')",
      'http://contoso.org/firstpath/myscript.sh',
    ],
  ],
  uriComponent: [["uriComponent('a b/c(d)')", 'a%20b%2Fc%28d%29']],
  uriComponentToString: [["uriComponentToString('a%20b+c')", 'a b c']],
  dateTimeAdd: [
    ["dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y')", '4/7/2023 2:53:14 PM'],
    ["dateTimeAdd('2020-04-07 14:53:14Z', '-P9D', 'yyyy-MM-dd')", '2020-03-29'],
    ["dateTimeAdd('2020-04-07T14:53:14Z', 'PT1H')", '2020-04-07T15:53:14Z'],
    ["dateTimeAdd('2020-04-07', 'P1D', 'R')", 'Wed, 08 Apr 2020 00:00:00 GMT'],
    ["dateTimeAdd('2020-04-07', 'PT1H', 'dddd d MMM yy h tt')", 'Tuesday 7 Apr 20 1 AM'],
  ],
  dateTimeFromEpoch: [['dateTimeFromEpoch(1683040573)', '2023-05-02T15:16:13Z']],
  dateTimeToEpoch: [["dateTimeToEpoch('2023-05-02T15:16:13Z')", 1_683_040_573]],
  resourceGroup: [['resourceGroup().location', 'westeurope']],
  subscription: [['subscription().displayName', 'Development']],
  tenant: [['tenant().tenantId', '22222222-2222-2222-2222-222222222222']],
  deployment: [['deployment().name', 'first']],
  environment: [['environment().name', 'Vitrine']],
  providers: [["providers('Microsoft.Compute', 'galleries').apiVersions[0]", '2025-03-03']],
  resourceId: [
    [
      "resourceId('Microsoft.Compute/galleries/images', 'g', 'i')",
      `${group}/providers/Microsoft.Compute/galleries/g/images/i`,
    ],
    ["resourceId('Microsoft.Compute/disks/', 'd')", `${group}/providers/Microsoft.Compute/disks/d`],
    [
      "resourceId('other', 'Microsoft.Compute/disks', 'd')",
      `/subscriptions/${subscription}/resourceGroups/other/providers/Microsoft.Compute/disks/d`,
    ],
    [
      "resourceId('s', 'g', 'Microsoft.Compute/disks', 'd')",
      '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d',
    ],
  ],
  subscriptionResourceId: [
    [
      "subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'r')",
      `/subscriptions/${subscription}/providers/Microsoft.Authorization/roleDefinitions/r`,
    ],
    [
      "subscriptionResourceId('Microsoft.Resources/resourceGroups', 'r')",
      `/subscriptions/${subscription}/resourceGroups/r`,
    ],
  ],
  tenantResourceId: [
    [
      "tenantResourceId('Microsoft.Authorization/policyDefinitions', 'p')",
      '/providers/Microsoft.Authorization/policyDefinitions/p',
    ],
  ],
  managementGroupResourceId: [
    [
      "managementGroupResourceId('m', 'Microsoft.Authorization/policyDefinitions', 'p')",
      '/providers/Microsoft.Management/managementGroups/m/providers/Microsoft.Authorization/policyDefinitions/p',
    ],
  ],
  deployer: [['deployer().objectId', '44444444-4444-4444-4444-444444444444']],
  fail: [["if(true(), 1, fail('never'))", 1]],
  parseUri: [
    [
      "parseUri('https://disks.example.com:8080/templates/nested.json?st=2025-05-09')",
      {
        scheme: 'https',
        host: 'disks.example.com',
        port: 8080,
        path: '/templates/nested.json',
        query: '?st=2025-05-09',
      },
    ],
    ["parseUri('https://disks.example.com/').port", null],
  ],
  buildUri: [
    [
      "buildUri(parseUri('https://disks.example.com:8080/templates/nested.json?st=2025-05-09'))",
      'https://disks.example.com:8080/templates/nested.json?st=2025-05-09',
    ],
    [
      "buildUri(createObject('scheme', 'http', 'host', 'a', 'path', 'b', 'query', 'c=d'))",
      'http://a/b?c=d',
    ],
  ],
  extensionResourceId: [
    [
      "extensionResourceId('/a/b', 'Microsoft.Authorization/locks', 'l')",
      '/a/b/providers/Microsoft.Authorization/locks/l',
    ],
  ],
}

/** Expressions that are refused, with a part of what is said. */
const refused: readonly (readonly [expression: string, why: string])[] = [
  ['nosuch()', "The template function 'nosuch' is not valid"],
  ["toLower('a', 'b')", "expects '1' parameter(s) but '2' were given"],
  ['toLower(1)', "must be a string, and is of type 'Integer'"],
  ["add('1', 2)", 'must be an integer'],
  ['div(1, 0)', 'cannot divide by zero'],
  ['mul(9007199254740991, 2)', 'too large'],
  ["int('x')", 'cannot be converted'],
  ["substring('abc', 2, 5)", 'must refer to a location within the string'],
  ["json('{')", 'not valid JSON'],
  ["base64ToString('%')", 'not base64'],
  ['range(0, 10001)', "between '0' and '10000'"],
  ["createObject('a')", 'even number'],
  ["createObject('a', 1, 'a', 2)", 'more than once'],
  ["format('{1}', 'a')", "names the argument '1'"],
  ["format('{', 'a')", 'brace'],
  ["padLeft('a', 17)", "between '1' and '16'"],
  ["dateTimeAdd('2020-04-07', 'P')", 'ISO 8601 duration'],
  ["dateTimeAdd('never', 'P1D')", 'is no date'],
  ["lambda('x', 1)", 'not expected at this location'],
  ["lambdaVariables('x')", "no lambda variable 'x'"],
  ["map(createArray(1), 'x')", 'must be a lambda'],
  ["filter(createArray(1), lambda('x', 1))", 'must be a boolean'],
  ["resourceId('galleries', 'g')", 'fully qualified'],
  [
    "resourceId('Microsoft.Compute/galleries/images', 'g')",
    "requires '2' resource name argument(s)",
  ],
  [
    'resourceGroup().nowhere',
    "property 'nowhere' doesn't exist, available properties are 'id, name, type, location, tags, properties'",
  ],
  ['createArray(1)[1]', 'out of bounds'],
  ["first('a').b", "of type 'String'"],
  ["parameters('none')", "The template parameter 'none' is not found"],
  ["variables('none')", "The template variable 'none' is not found"],
  ['copyIndex()', 'is not expected at this location'],
  ['utcNow()', 'default value of a parameter'],
  ['newGuid()', 'default value of a parameter'],
  ["providers('Microsoft.Nothing', 'x')", 'not known'],
  ["managementGroupResourceId('Microsoft.Authorization/policyDefinitions', 'p')", 'name one first'],
  ["fail('not today')", 'not today'],
  ["parseUri('here')", 'not an absolute URI'],
  ["buildUri(createObject('scheme', 'https', 'path', '/a'))", 'needs a scheme and a host'],
  ['managementGroup()', 'no management groups'],
  ["reference('none')", "'none' is not defined in the template"],
  ["listKeys('/a')", 'needs an api-version'],
]

describe('a function of the template language', () => {
  for (const [name, examples] of Object.entries(given))
    it(`${name} gives what Azure's gives`, () => {
      for (const [expression, value] of examples)
        expect(valueOfExpression(`[${expression}]`), expression).toEqual(value)
    })

  it('is found by its name in any case', () => {
    expect(valueOfExpression("[TOLOWER('A')]")).toBe('a')
  })

  for (const [expression, why] of refused)
    it(`is refused where it does not fit: ${expression}`, () => {
      expect(() => valueOfExpression(`[${expression}]`)).toThrow(why)
    })
})
