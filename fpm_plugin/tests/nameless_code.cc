// nameless_code: PHP code without the name of its file, as the loaders of encoders make it.
//
//   take_file_name(string $function): void
#include "php.h"

namespace {

void take_file_name(INTERNAL_FUNCTION_PARAMETERS) {
  zend_string* name = nullptr;
  ZEND_PARSE_PARAMETERS_START(1, 1)
  Z_PARAM_STR(name)
  ZEND_PARSE_PARAMETERS_END();
  (void)return_value;
  auto* const function = static_cast<zend_function*>(zend_hash_find_ptr(EG(function_table), name));
  if (function && function->type == ZEND_USER_FUNCTION) function->op_array.filename = nullptr;
}

ZEND_BEGIN_ARG_INFO_EX(one_argument, 0, 0, 1)
ZEND_ARG_INFO(0, function)
ZEND_END_ARG_INFO()

// clang-format off
const zend_function_entry functions[] = {
  ZEND_NAMED_FE(take_file_name, take_file_name, one_argument)
  ZEND_FE_END
};
// clang-format on

}  // namespace

extern "C" {

zend_module_entry nameless_code_module_entry = {STANDARD_MODULE_HEADER,
                                                "nameless_code",
                                                functions,
                                                nullptr,
                                                nullptr,
                                                nullptr,
                                                nullptr,
                                                nullptr,
                                                NO_VERSION_YET,
                                                STANDARD_MODULE_PROPERTIES};

ZEND_GET_MODULE(nameless_code)
}
