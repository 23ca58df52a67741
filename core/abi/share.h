/* Room that many uids have in common, and that none of them, nor several together, can fill. */
#ifndef MAILORIGIN_CORE_ABI_SHARE_H
#define MAILORIGIN_CORE_ABI_SHARE_H

/* Whether a uid that has `taken` places of `limit` may have one more, where all uids together
 * have `all`: while it then has no more than a third of what is free. So one alone has a
 * quarter of all, four have a seventh each, and there is something left for the next. */
static inline int mo_has_room(long long taken, long long all, long long limit) {
  return 3 * (taken + 1) <= limit - all;
}

#endif
