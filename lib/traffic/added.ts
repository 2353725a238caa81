/**
 * Appends to a list that most often gets no second item: an array that is made with one has room for one, where the first
 * `push` makes room for seventeen.
 */
export function added<T>(list: T[] | null, item: T): T[] {
  if (list === null) return [item];
  list.push(item);
  return list;
}
