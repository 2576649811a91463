/** Acts when it is later by so many seconds. */
export async function later<T>(seconds: number, act: () => Promise<T>): Promise<T> {
  const { now } = Date
  Date.now = () => now() + seconds * 1000
  try {
    return await act()
  } finally {
    Date.now = now
  }
}
