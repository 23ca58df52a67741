// A warning about workers whose memory is open to their own user.
//
// A php-fpm worker that came from a root master is closed even to itself: no
// script can write /proc/self/mem. process.dumpable = yes opens it, and then what
// the plugin says about a mail is what the script wants said.
#pragma once

namespace mailorigin::php {

// When the module starts: makes what the workers to come share.
void prepare_dumpable_warning();
void forget_dumpable_warning();

// In a worker, before a request's script and settings: says MO0304 in PHP's log
// and to syslog, if it is to be said; once for each pool, until php-fpm is
// started or reloaded. (Once for each worker where a pool's own lines load the
// plugin: such workers share nothing.)
void warn_if_dumpable();

}  // namespace mailorigin::php
