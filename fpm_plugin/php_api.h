// PHP's headers, those without C linkage of their own included.
#pragma once

#include "php.h"
#include "php_ini.h"
// php.h comes first: the others need its types.
#include "SAPI.h"
#include "ext/standard/info.h"
#include "php_globals.h"
#include "php_variables.h"
#include "zend_exceptions.h"
#include "zend_generators.h"

extern "C" {
#include "ext/standard/exec.h"
#include "ext/standard/php_mail.h"
#include "ext/standard/php_string.h"
}
