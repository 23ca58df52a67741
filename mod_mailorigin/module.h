/* What the module's struct (C) and its parts (C++) share. */
#pragma once

#include <httpd.h>
/* httpd.h first. */
#include <http_config.h>

#ifdef __cplusplus
extern "C" {
#endif

extern module AP_MODULE_DECLARE_DATA mailorigin_module;

extern const command_rec mailorigin_directives[];

void* mailorigin_create_server_config(apr_pool_t* pool, server_rec* server);
void* mailorigin_merge_server_config(apr_pool_t* pool, void* base, void* add);
void mailorigin_register_hooks(apr_pool_t* pool);

#ifdef __cplusplus
}
#endif
