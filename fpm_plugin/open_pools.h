// A warning about pools whose own scripts reach native code or their worker's memory, or share
// opcache's code with other pools' scripts of the same path.
//
// A php-fpm worker that came from a root master is closed even to itself: no script can
// write /proc/self/mem. process.dumpable = yes opens it; FFI calls what it likes; and what
// opcache reads from files that the pool's user writes is code as the engine has it, under
// whatever name. What the plugin says about a mail is then what the script wants said.
#pragma once

namespace mailorigin::php {

// When the module starts: makes what the workers to come share.
void prepare_open_pool_warning();
void forget_open_pool_warning();

// In a worker, before a request's script and settings: says MO0304 or MO0310 in PHP's
// log and to syslog, if it is to be said; once for each pool, until php-fpm is
// started or reloaded. (Once for each worker where a pool's own lines load the
// plugin: such workers share nothing.)
void warn_if_pool_is_open();

}  // namespace mailorigin::php
