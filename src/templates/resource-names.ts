/**
 * `Microsoft.Compute/galleries/g/images/i` of `Microsoft.Compute/galleries/images` and its names; undefined when they are
 * not one for each segment behind the namespace.
 */
export function interleaved(type: string, names: readonly string[]): string | undefined {
  const [namespace = '', ...types] = type.split('/')
  if (types.length === 0 || types.length !== names.length) return undefined
  return [namespace, ...types.flatMap((each, at) => [each, names[at] ?? ''])].join('/')
}
