// Code that opcache keeps for all pools of a php-fpm, under its files' names.
#pragma once

namespace mailorigin::php {

// opcache takes what it compiles for the file's own code, whoever gave it: a script that puts a
// stream of its own in the place of file:// or phar:// gives code to any file's name, also to a
// neighbour's, whose pool then runs it as its own user. Such a request goes on without opcache.
void watch_replaced_streams();
void stop_watching_replaced_streams();

// When the module starts: notes where the file system's root is.
void remember_root();
// Whether this pool is in a chroot and opcache does not tell its files from those of the same
// path in another one.
bool shares_code_between_roots();

}  // namespace mailorigin::php
