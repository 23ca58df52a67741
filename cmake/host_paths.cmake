# Where httpd and PHP read configuration, as apxs, httpd and php-config answer.

# httpd_configuration_files(load conf): the files for LoadModule and for the directives. Debian's httpd
# is known by its program's name, apache2, and need not be here; it includes what a2enmod has chosen of
# mods-available. RHEL's has conf.modules.d and conf.d; where it was built by hand, the administrator
# includes them (Include conf/extra/mailorigin*.conf).
function(httpd_configuration_files load conf)
  foreach(name SYSCONFDIR SBINDIR PROGNAME)
    execute_process(COMMAND ${MAILORIGIN_APXS} -q ${name}
      OUTPUT_VARIABLE ${name} OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
  execute_process(COMMAND ${SBINDIR}/${PROGNAME} -V OUTPUT_VARIABLE said RESULT_VARIABLE _ ERROR_QUIET)
  string(REGEX MATCH "HTTPD_ROOT=\"([^\"]*)\"" _ "${said}")
  set(root "${CMAKE_MATCH_1}")
  if(PROGNAME STREQUAL apache2)
    set(files ${SYSCONFDIR}/mods-available/mailorigin.load ${SYSCONFDIR}/mods-available/mailorigin.conf)
  elseif(root AND IS_DIRECTORY ${root}/conf.modules.d)
    set(files ${root}/conf.modules.d/20-mailorigin.conf ${root}/conf.d/mailorigin.conf)
  else()
    set(files ${SYSCONFDIR}/extra/mailorigin-load.conf ${SYSCONFDIR}/extra/mailorigin.conf)
  endif()
  list(GET files 0 first)
  list(GET files 1 second)
  set(${load} ${first} PARENT_SCOPE)
  set(${conf} ${second} PARENT_SCOPE)
endfunction()

# php_configuration_file(php_config file): for extension= and the settings. In Debian's PHP the directory
# that is scanned has links to mods-available, which phpenmod makes; a PHP that scans
# none has php.ini alone, which is not ours to write: `file` is empty then.
function(php_configuration_file php_config file)
  execute_process(COMMAND ${php_config} --ini-dir
    OUTPUT_VARIABLE scanned OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "'${php_config} --ini-dir' cannot be asked: ${result}")
  endif()
  get_filename_component(available "${scanned}/../../mods-available" ABSOLUTE)
  if(NOT scanned)
    set(${file} "" PARENT_SCOPE)
  elseif(IS_DIRECTORY ${available})
    set(${file} ${available}/mailorigin.ini PARENT_SCOPE)
  else()
    set(${file} ${scanned}/20-mailorigin.ini PARENT_SCOPE)
  endif()
endfunction()
