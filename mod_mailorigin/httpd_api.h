// httpd's headers, in the one way that fits C++: designated initializers keep
// the directive table type-checked, and a few headers lack their own extern "C".
#pragma once

#define AP_HAVE_DESIGNATED_INITIALIZER
#include <apr_file_io.h>
#include <apr_optional.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <httpd.h>
// httpd.h first.
#include <ap_listen.h>
#include <ap_mpm.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_main.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mpm_common.h>
#include <unixd.h>
#include <util_cfgtree.h>

extern "C" {
#include <mod_log_config.h>
}
