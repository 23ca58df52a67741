// The functions of PHP's that connect to other hosts: while one runs, the firewall
// can tell the script's line.
#pragma once

namespace mailorigin::php {

// Installs what is there and not installed yet; idempotent.
void install_connect_functions();
void remove_connect_functions();

}  // namespace mailorigin::php
