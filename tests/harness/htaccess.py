"""What a tenant writes into .htaccess to get at the context, or at PHP's settings."""

from .wire import VARIABLE

_REWRITE = "RewriteEngine On\nRewriteRule . - "
_LOWER = VARIABLE.lower()

ATTEMPTS = {
    "SetEnv": f"SetEnv {VARIABLE} forged",
    "SetEnv, lower case": f"SetEnv {_LOWER} forged",
    "SetEnv in <If>": f"<If \"true\">\nSetEnv {VARIABLE} forged\n</If>",
    "UnsetEnv": f"UnsetEnv {VARIABLE}",
    "SetEnvIf": f"SetEnvIf Request_URI . {VARIABLE}=forged",
    "SetEnvIf delete": f"SetEnvIf Request_URI . !{VARIABLE}",
    "SetEnvIf, copied": f"SetEnvIf {VARIABLE} (.+) COPY=$1",
    "SetEnvIfExpr": f'SetEnvIfExpr "true" {VARIABLE}=forged',
    "BrowserMatch": f"BrowserMatch ^ {VARIABLE}=forged",
    "RewriteRule": f"{_REWRITE}[E={VARIABLE}:forged]",
    "RewriteRule delete": f"{_REWRITE}[E=!{VARIABLE}]",
    "RewriteRule, copied": f"{_REWRITE}[E=COPY:%{{ENV:{VARIABLE}}}]",
    "RequestHeader": f'RequestHeader set {VARIABLE.replace("_", "-")} forged',
    "RequestHeader, early": f'RequestHeader set {VARIABLE} "forged"',
    "CGIVar": f"CGIVar REQUEST_URI current-uri\nSetEnv REDIRECT_{VARIABLE} forged",
    "ProxyFCGISetEnvIf": f'ProxyFCGISetEnvIf "true" {VARIABLE} "forged"',
    "ProxyFCGISetEnvIf, lower case": f'ProxyFCGISetEnvIf "true" {_LOWER} "forged"',
    "ProxyFCGISetEnvIf delete": f'ProxyFCGISetEnvIf "true" !{VARIABLE}',
    "ProxyFCGISetEnvIf, copied": f'ProxyFCGISetEnvIf "true" COPY "%{{reqenv:{VARIABLE}}}"',
    "ProxyFCGISetEnvIf in <If>": f'<If "true">\nProxyFCGISetEnvIf "true" {VARIABLE} "forged"\n</If>',
    "PHP_VALUE socket": "SetEnv PHP_VALUE mailorigin.socket=/nowhere",
    "PHP_VALUE, lower case": "SetEnv php_value mailorigin.socket=/nowhere",
    "PHP_ADMIN_VALUE enabled": "SetEnv PHP_ADMIN_VALUE mailorigin.enabled=0",
    "PHP_ADMIN_VALUE extension": "SetEnv PHP_ADMIN_VALUE extension=/tmp/evil.so",
    "PHP_ADMIN_VALUE disable_functions": "SetEnv PHP_ADMIN_VALUE disable_functions=mail",
    "PHP_VALUE by rewrite": f"{_REWRITE}[E=PHP_VALUE:sendmail_from=x]",
    "PHP_VALUE by ProxyFCGISetEnvIf": 'ProxyFCGISetEnvIf "true" PHP_VALUE "sendmail_path=/bin/false"',
}
