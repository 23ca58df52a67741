// The functions that send mail: mail(), mb_send_mail(), imap_mail() and
// error_log(..., 1). Each call asks the daemon first.
#pragma once

namespace mailorigin::php {

// Replaces the handlers of the functions that exist by now. Called again as more
// extensions get loaded: mbstring and imap may come later than this one, by
// php.ini, by a pool's php_admin_value or by dl().
void install_mail_functions();
void remove_mail_functions();

// At the end of a request: what dl() loaded goes, and its functions with it.
void let_go_of_loaded_functions();

// At the end of a request: a fatal error in a call leaves it by longjmp.
void undo_unfinished_calls();

}  // namespace mailorigin::php
