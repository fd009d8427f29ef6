"""Schedules as calendars: iCalendar in and out, and China's public holidays with their make-up workdays."""
