CREATE TABLE departments (dept_id INTEGER PRIMARY KEY, dept_name TEXT, location TEXT, budget INTEGER);
CREATE TABLE employees (
    emp_id INTEGER PRIMARY KEY, full_name TEXT, title TEXT, salary INTEGER, hire_date DATE,
    dept_id INTEGER REFERENCES departments(dept_id), manager_id INTEGER REFERENCES employees(emp_id));
CREATE TABLE projects (project_id INTEGER PRIMARY KEY, title TEXT, start_date DATE, end_date DATE, cost INTEGER);
CREATE TABLE assignments (
    emp_id INTEGER REFERENCES employees(emp_id), project_id INTEGER REFERENCES projects(project_id), hours INTEGER,
    PRIMARY KEY (emp_id, project_id));
