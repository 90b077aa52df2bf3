//! Both servers as one service.
