// Connections to SMTP ports do not outlive their request.
#pragma once

namespace mailorigin::php {

// Once, as the module starts, for this process and those that it forks: they keep a descriptor.
void prepare_to_end_smtp_connections();
// As the module ends.
void forget_descriptors();

// Ends those that this process has. A persistent one would be used by the worker's next
// request, which may be of a virtual host that may not open it.
void end_smtp_connections();

}  // namespace mailorigin::php
