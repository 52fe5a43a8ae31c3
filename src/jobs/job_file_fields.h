// Reads the objects of a job file: a layer of parameters, a job, the file's own settings.
#pragma once

#include <string>
#include <vector>

#include "jobs/job_file.h"

namespace genvid {

// The object that comes next. Errors are noted; only malformed JSON throws.
void read_job_layer(JsonReader& reader, JobFileErrors& errors, JobLayer& layer);
void read_job_fields(JsonReader& reader, JobFileErrors& errors, JobFields& job);

// One key of the file's top level other than "jobs". False: not known (and noted).
bool read_file_setting(const std::string& key, JsonReader& reader, JobFileErrors& errors,
                       JobFileSettings& settings, JobLayer& defaults);

// "house-by-the-sea-1f0c2a3b4d5e", from the values alone.
std::string automatic_job_id(const JobFields& job);

}  // namespace genvid
